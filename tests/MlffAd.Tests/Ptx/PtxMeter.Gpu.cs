namespace MlffAd.Tests.Ptx;

/// <summary>How a kernel's warps reach memory: what one instruction of a warp asks for at a time, and what
/// it costs a card.</summary>
/// <param name="Kernel">The kernel's name.</param>
/// <param name="Text">The instruction.</param>
/// <param name="IsShared">Whether it is shared memory.</param>
internal sealed record PtxAccess(string Kernel, string Text, bool IsShared)
{
    /// <summary>Times that a warp came here.</summary>
    public long Requests { get; set; }

    /// <summary>Of shared memory: passes over its 32 banks, a bank giving one word of four bytes each. Of global
    /// memory: sectors of 32 bytes that are touched.</summary>
    public long Cost { get; set; }

    /// <summary>What it would be if no two threads met in a bank, or sectors were used whole.</summary>
    public long Least { get; set; }
}

/// <summary>Adds up accesses to memory, as warps make them: the n-th time that each of 32 threads comes to an
/// instruction counts as one time of the warp.</summary>
internal sealed class PtxMeter
{
    private const int Warp = 32, Bank = 4, Banks = 32, Sector = 32;

    private readonly Dictionary<(string, int, bool), PtxAccess> _accesses = [];

    /// <summary>Of how many groups one is looked at.</summary>
    public int Every { get; init; } = 1;

    /// <summary>All instructions that reach memory, by kernel.</summary>
    public IEnumerable<PtxAccess> Accesses => _accesses.Values;

    /// <summary>One group's notes.</summary>
    public sealed class Group(PtxMeter meter, string kernel, int instructions, int threads)
    {
        private readonly int[] _times = new int[2 * instructions * threads];
        // a copy reaches both memories
        private readonly Dictionary<(int At, bool IsShared, int Warp), List<ulong[]>> _requests = [];
        private readonly Dictionary<int, (string Text, int Bytes)> _kinds = [];

        public void Note(int thread, int at, string text, bool isShared, ulong address, int bytes)
        {
            int time = _times[(2 * at + (isShared ? 1 : 0)) * threads + thread]++;
            if (!_requests.TryGetValue((at, isShared, thread / Warp), out var list))
                _requests[(at, isShared, thread / Warp)] = list = [];
            while (list.Count <= time) list.Add([.. Enumerable.Repeat(ulong.MaxValue, Warp)]);
            list[time][thread % Warp] = address;
            _kinds[at] = (text, bytes);
        }

        /// <summary>The group has ended.</summary>
        public void Add()
        {
            lock (meter._accesses)
            {
                foreach (var ((at, isShared, _), list) in _requests)
                {
                    var (text, bytes) = _kinds[at];
                    if (!meter._accesses.TryGetValue((kernel, at, isShared), out var access))
                        meter._accesses[(kernel, at, isShared)] = access = new(kernel, text, isShared);
                    foreach (ulong[] lanes in list)
                    {
                        access.Requests++;
                        var (cost, least) = isShared ? Passes(lanes, bytes) : Sectors(lanes, bytes);
                        access.Cost += cost;
                        access.Least += least;
                    }
                }
            }
            Array.Clear(_times);
            _requests.Clear();
        }
    }

    /// <summary>Of 16 bytes eight threads go together, of 8 bytes sixteen; within these a bank gives its words one
    /// after the other, each to all threads that want it.</summary>
    private static (long Cost, long Least) Passes(ulong[] lanes, int bytes)
    {
        int together = Math.Min(Warp, Banks * Bank / bytes);
        long cost = 0, least = 0;
        foreach (ulong[] some in lanes.Chunk(together))
        {
            var words = some.Where(a => a != ulong.MaxValue)
                .SelectMany(a => Enumerable.Range(0, (bytes + Bank - 1) / Bank).Select(w => a / Bank + (ulong)w))
                    .Distinct().ToList();
            if (words.Count == 0) continue;
            cost += words.CountBy(w => w % Banks).Max(b => b.Value);
            least += (words.Count + Banks - 1) / Banks;
        }
        return (cost, least);
    }

    private static (long Cost, long Least) Sectors(ulong[] lanes, int bytes)
    {
        var bytesOf = lanes.Where(a => a != ulong.MaxValue).Distinct().ToList();
        return (bytesOf.SelectMany(a => new[] { a / Sector, (a + (ulong)bytes - 1) / Sector }).Distinct().Count(),
            (bytesOf.Count * bytes + Sector - 1) / Sector);
    }
}
