namespace MlffAd.Kernels;

/// <summary>A row or a term of a factor as three indices, whose meaning its <see cref="IFactor"/> defines: of a map the
/// item, line and column, of a filter's terms the tap along y, along x, and the channel.</summary>
internal struct FactorCoordinate(int a, int b, int c)
{
    public int A = a, B = b, C = c;

    /// <summary>Number <paramref name="i"/> as (outer, middle, last), the last counting fastest.</summary>
    public static FactorCoordinate Of(int i, int middle, int last) =>
        new(i / (middle * last), i / last % middle, i % last);

    /// <summary>The place <paramref name="by"/> further.</summary>
    public FactorCoordinate Advance(int by, int middle, int last)
    {
        var p = this;
        p.C += by;
        while (p.C >= last)
        {
            p.C -= last;
            p.B++;
            if (p.B < middle) continue;
            p.B = 0;
            p.A++;
        }
        return p;
    }
}

/// <summary>A factor's data, and what its <see cref="IFactor"/> needs of the map or matrix it lies in.</summary>
internal struct GpuFactor
{
    public GpuRows Data;

    /// <summary>Extents of the map that the elements lie in; of a matrix, H is an item's stored rows.</summary>
    public int H, W, C;

    /// <summary>Extents of the map whose positions rows or terms run over.</summary>
    public int GridH, GridW;

    /// <summary>Output channels, of weights whose terms run over them.</summary>
    public int Outputs;

    /// <summary>The convolution's geometry.</summary>
    public int Kernel, Stride, Pad;
}

/// <summary>How a product on a GPU finds the elements of its left or right factor: a <em>row</em> of A or column of B,
/// and a <em>term</em> of the sum.</summary>
/// <remarks>What follows from the row and what follows from the term is worked out apart: a thread keeps its rows for
/// the whole sum and goes from term to term without a division.</remarks>
internal interface IFactor
{
    /// <summary>Whether neighbouring terms adjoin in memory (else neighbouring rows do): threads of a group load along
    /// that direction.</summary>
    bool AlongTerms { get; }

    /// <summary>Whether the product's layers are classes of positions (<see cref="PositionClass"/>), with terms and
    /// results of their own. The left factor is asked.</summary>
    bool ByClasses { get; }

    /// <summary>A row; beyond the last it may be anything.</summary>
    FactorCoordinate Row(in GpuFactor f, int batch, int row);

    /// <summary>A term; beyond the last it may be anything.</summary>
    FactorCoordinate Term(in GpuFactor f, int batch, int k);

    /// <summary>How many there are of a term's middle number, if it has one.</summary>
    int Middle(in GpuFactor f, int batch);

    /// <summary>The term <paramref name="by"/> further.</summary>
    FactorCoordinate Next(in GpuFactor f, FactorCoordinate term, int by, int middle);

    /// <summary>The element's offset in the data, or −1 where there are zeros. Three elements more lie behind it, if
    /// rows and terms are in fours.</summary>
    int At(in GpuFactor f, FactorCoordinate row, FactorCoordinate term);
}

/// <summary>A matrix stored as [row, term]; an item is <c>H</c> stored rows.</summary>
internal readonly struct RowsOfTerms : IFactor
{
    public bool AlongTerms => true;

    public bool ByClasses => false;

    public FactorCoordinate Row(in GpuFactor f, int batch, int row) => new((batch * f.H + row) * f.Data.Pitch, 0, 0);

    public FactorCoordinate Term(in GpuFactor f, int batch, int k) => new(k, 0, 0);

    public int Middle(in GpuFactor f, int batch) => 0;

    public FactorCoordinate Next(in GpuFactor f, FactorCoordinate term, int by, int middle) => new(term.A + by, 0, 0);

    public int At(in GpuFactor f, FactorCoordinate row, FactorCoordinate term) => row.A + term.A;
}

/// <summary>A matrix stored as [term, row]; an item is <c>H</c> stored rows.</summary>
internal readonly struct TermsOfRows : IFactor
{
    public bool AlongTerms => false;

    public bool ByClasses => false;

    public FactorCoordinate Row(in GpuFactor f, int batch, int row) => new(row, 0, 0);

    public FactorCoordinate Term(in GpuFactor f, int batch, int k) => new((batch * f.H + k) * f.Data.Pitch, 0, 0);

    public int Middle(in GpuFactor f, int batch) => 0;

    public FactorCoordinate Next(in GpuFactor f, FactorCoordinate term, int by, int middle) =>
        new(term.A + by * f.Data.Pitch, 0, 0);

    public int At(in GpuFactor f, FactorCoordinate row, FactorCoordinate term) => row.A + term.A;
}
