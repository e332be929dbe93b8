using System.Numerics;
using ILGPU;

namespace MlffAd.Kernels;

/// <summary>A column of a group's eight rows, in registers; 32 bytes in memory.</summary>
internal struct Eight(Four low, Four high) : IAdditionOperators<Eight, Eight, Eight>
{
    public Four Low = low, High = high;

    public static Eight Of(float all) => new(new(all, all, all, all), new(all, all, all, all));

    public static Eight operator +(Eight a, Eight b) => new(a.Low + b.Low, a.High + b.High);

    public static Eight operator -(Eight a, Eight b) => new(a.Low - b.Low, a.High - b.High);

    public static Eight operator *(Eight a, Eight b) => new(a.Low * b.Low, a.High * b.High);

    public static Eight operator /(Eight a, Eight b) => new(a.Low / b.Low, a.High / b.High);

    public static Eight Max(Eight a, Eight b) => new(Max(a.Low, b.Low), Max(a.High, b.High));

    public static Eight Exp(Eight a) => new(Exp(a.Low), Exp(a.High));

    /// <summary><paramref name="a"/> if it counts, else <paramref name="other"/> in all lanes.</summary>
    public static Eight If(bool counts, Eight a, float other) =>
        new(If(counts, a.Low, other), If(counts, a.High, other));

    public void MultiplyAdd(float a, Eight b)
    {
        Low.MultiplyAdd(a, b.Low);
        High.MultiplyAdd(a, b.High);
    }

    private static Four Max(Four a, Four b) =>
        new(MathF.Max(a.X, b.X), MathF.Max(a.Y, b.Y), MathF.Max(a.Z, b.Z), MathF.Max(a.W, b.W));

    private static Four Exp(Four a) => new(MathF.Exp(a.X), MathF.Exp(a.Y), MathF.Exp(a.Z), MathF.Exp(a.W));

    private static Four If(bool counts, Four a, float other) =>
        new(counts ? a.X : other, counts ? a.Y : other, counts ? a.Z : other, counts ? a.W : other);
}

public static partial class Attention
{
    /// <summary>The eight levels of a group, from an item's <paramref name="first"/> on. Beyond the item's last level,
    /// reads are clamped and writes dropped.</summary>
    /// <param name="levels">Levels of an item.</param>
    /// <param name="start">The item's first row.</param>
    /// <param name="first">The first of the eight among the item's levels.</param>
    internal readonly struct Octet(int levels, int start, int first)
    {
        public readonly int Levels = levels, Start = start, First = first;

        /// <summary>The octet of this group.</summary>
        public static Octet OfGroup(int levels) =>
            new(levels, Grid.IdxX / GroupsOf(levels) * levels, Grid.IdxX % GroupsOf(levels) * 8);

        /// <summary>Row of one of the item's levels, clamped to the last.</summary>
        public int Row(int level) => Start + IntrinsicMath.Min(level, Levels - 1);

        /// <summary>Loads a column of the eight rows.</summary>
        public Eight Load(in GpuRows m, int c) =>
            new(new(m[Row(First), c], m[Row(First + 1), c], m[Row(First + 2), c], m[Row(First + 3), c]),
                new(m[Row(First + 4), c], m[Row(First + 5), c], m[Row(First + 6), c], m[Row(First + 7), c]));

        /// <summary>Writes a column of the eight rows, or adds to it.</summary>
        public void Store(in GpuRows m, int c, in Eight e, int add)
        {
            Store(m, 0, c, e.Low.X, add);
            Store(m, 1, c, e.Low.Y, add);
            Store(m, 2, c, e.Low.Z, add);
            Store(m, 3, c, e.Low.W, add);
            Store(m, 4, c, e.High.X, add);
            Store(m, 5, c, e.High.Y, add);
            Store(m, 6, c, e.High.Z, add);
            Store(m, 7, c, e.High.W, add);
        }

        /// <summary>Loads column first + t of a levels × levels map, clamped to the last.</summary>
        public Eight LoadMine(in GpuRows map, int first) =>
            Load(map, IntrinsicMath.Min(first + Group.IdxX, Levels - 1));

        /// <summary>Writes column first + t, if it exists.</summary>
        public void StoreMine(in GpuRows map, int first, in Eight e)
        {
            if (first + Group.IdxX < Levels) Store(map, first + Group.IdxX, e, 0);
        }

        /// <summary>The thread's column, or <paramref name="other"/> beyond the last.</summary>
        public Eight Mine(int first, Eight e, float other) => Eight.If(first + Group.IdxX < Levels, e, other);

        private void Store(in GpuRows m, int r, int c, float value, int add)
        {
            if (First + r < Levels) m[Start + First + r, c] = add != 0 ? m[Start + First + r, c] + value : value;
        }
    }

    /// <summary>Whether the result's eight rows are rows or columns of the weights' map.</summary>
    internal interface IWay
    {
        /// <summary>The weights of the eight rows for level <paramref name="first"/> + t.</summary>
        Eight Load(in GpuRows weights, in Octet at, int first);
    }

    /// <summary>Rows.</summary>
    internal readonly struct Along : IWay
    {
        public Eight Load(in GpuRows weights, in Octet at, int first) => at.LoadMine(weights, first);
    }

    /// <summary>Columns.</summary>
    internal readonly struct Across : IWay
    {
        public Eight Load(in GpuRows weights, in Octet at, int first)
        {
            int row = at.Row(first + Group.IdxX), c = at.First, last = at.Levels - 1;
            return new(new(weights[row, c], weights[row, IntrinsicMath.Min(c + 1, last)],
                weights[row, IntrinsicMath.Min(c + 2, last)], weights[row, IntrinsicMath.Min(c + 3, last)]),
                new(weights[row, IntrinsicMath.Min(c + 4, last)], weights[row, IntrinsicMath.Min(c + 5, last)],
                    weights[row, IntrinsicMath.Min(c + 6, last)], weights[row, IntrinsicMath.Min(c + 7, last)]));
        }
    }

    internal readonly struct HighestOfEach : IPair<Eight>
    {
        public Eight Of(Eight a, Eight b) => Eight.Max(a, b);
    }
}
