using ILGPU;
using ILGPU.Runtime;
using Device = MlffAd.Kernels.Runtime.Device;

namespace MlffAd.Kernels;

internal static partial class TensorCoreProduct<TA, TB, TFunction, TFragments, TTile, TEpilogue>
    where TA : unmanaged, IFactor
    where TB : unmanaged, IFactor
    where TFunction : unmanaged, IFunction
    where TFragments : unmanaged, IFragments
    where TTile : unmanaged, ITileOfWarps where TEpilogue : unmanaged, IEpilogue
{
    /// <summary>A thread's share of bringing a factor's tiles: two or four times 16 bytes of each.</summary>
    private struct Loader<T> where T : unmanaged, IFactor
    {
        private FactorCoordinate _one, _p0, _p1, _p2, _p3;
        private int _k;
        private readonly int _row, _rows, _line, _lines, _extent, _middle;

        /// <param name="f">The factor.</param>
        /// <param name="thread">The thread.</param>
        /// <param name="batch">The product of a batch.</param>
        /// <param name="first">The tile's first row.</param>
        /// <param name="rows">Rows that there are.</param>
        /// <param name="extent">The tile's rows.</param>
        /// <param name="begin">First term.</param>
        public Loader(in GpuFactor f, int thread, int batch, int first, int rows, int extent, int begin)
        {
            int threads = 64 * default(TTile).Across;
            int elements = Fragment.ElementsOf<TFragments>();
            int across = default(T).AlongTerms ? 4 : extent / elements;   // chunks along the contiguous side of a tile
            (_rows, _extent, _line, _lines) = (rows, extent, thread / across, threads / across);
            int chunk = thread % across * elements;
            _middle = default(T).Middle(f, batch);
            if (default(T).AlongTerms)
            {
                (_row, _k) = (first + _line, begin + chunk);
                _one = default(T).Term(f, batch, _k);
                _p0 = default(T).Row(f, batch, _row);
                _p1 = default(T).Row(f, batch, _row + _lines);
                _p2 = default(T).Row(f, batch, _row + 2 * _lines);
                _p3 = default(T).Row(f, batch, _row + 3 * _lines);
            }
            else
            {
                (_row, _k) = (first + chunk, begin + _line);
                _one = default(T).Row(f, batch, _row);
                _p0 = default(T).Term(f, batch, _k);
                _p1 = default(T).Term(f, batch, _k + _lines);
                _p2 = default(T).Term(f, batch, _k + 2 * _lines);
                _p3 = default(T).Term(f, batch, _k + 3 * _lines);
            }
        }

        /// <summary>Asks for the next tile.</summary>
        public void Load(in GpuFactor f, ArrayView<float> tiles, int to, int end)
        {
            Load(f, tiles, to, end, 0, ref _p0);
            Load(f, tiles, to, end, 1, ref _p1);
            if (4 * _extent > 2 * 64 * default(TTile).Across)
            {
                Load(f, tiles, to, end, 2, ref _p2);
                Load(f, tiles, to, end, 3, ref _p3);
            }
            if (default(T).AlongTerms) _one = default(T).Next(f, _one, Fragment.TermsOf<TFragments>(), _middle);
            _k += Fragment.TermsOf<TFragments>();
        }

        private void Load(in GpuFactor f, ArrayView<float> tiles, int to, int end, int i, ref FactorCoordinate place)
        {
            int line = _line + i * _lines, at;
            if (default(T).AlongTerms)
            {
                at = _row + i * _lines < _rows && _k < end ? default(T).At(f, place, _one) : -1;
                to += Fragment.Along(line, Group.IdxX & 3);
            }
            else
            {
                at = _row < _rows && _k + i * _lines < end ? default(T).At(f, _one, place) : -1;
                to += default(TFragments).ReadsBf16
                    ? Fragment.AcrossBf16(Group.IdxX % (_extent / 8) * 8, line, _extent)
                    : Fragment.Across(Group.IdxX % (_extent / 4) * 4, line, _extent);
                place = default(T).Next(f, place, Fragment.TermsOf<TFragments>(), _middle);
            }
            default(TFragments).Copy(tiles, to, f.Data.Data, at);
        }
    }
}
