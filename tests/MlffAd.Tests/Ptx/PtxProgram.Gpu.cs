using System.Text.RegularExpressions;

namespace MlffAd.Tests.Ptx;

/// <summary>An instruction: what it does to registers, which are places in a thread's file of them; constants
/// lie there too.</summary>
internal readonly struct PtxInstruction(PtxOp op, int guard, bool isNegated, int[] operands, int offset, string text)
{
    public readonly PtxOp Do = op;

    /// <summary>The predicate that must hold, or −1.</summary>
    public readonly int Guard = guard;

    /// <summary>Whether it must not.</summary>
    public readonly bool IsNegated = isNegated;

    /// <summary>Bytes that are added to an address, where a parameter lies, or where a branch goes.</summary>
    public readonly int Offset = offset;

    /// <summary>The first operands, in the order of the text.</summary>
    public readonly int A = operands.ElementAtOrDefault(0);
    public readonly int B = operands.ElementAtOrDefault(1);
    public readonly int C = operands.ElementAtOrDefault(2);
    public readonly int D = operands.ElementAtOrDefault(3);

    public readonly int[] Operands = operands;

    public readonly string Text = text;
}

/// <summary>The body of a kernel in PTX, read as NVIDIA's manual says (Parallel Thread Execution ISA 8.0), as far as
/// ILGPU writes it.</summary>
internal sealed partial class PtxProgram
{
    private readonly Dictionary<string, int> _places = [], _shared = [], _labels = [];
    private readonly List<ulong> _values = [];

    public PtxProgram(string text)
    {
        // Functions before it are those whose bodies were put into the kernel's.
        string entry = text[text.IndexOf(".entry", StringComparison.Ordinal)..];
        string body = entry[(entry.IndexOf('{') + 1)..entry.LastIndexOf('}')];
        foreach (string special in Specials) Place(special);
        var lines = Lines(body).ToList();
        int at = 0;
        foreach (string line in lines)
            if (line.EndsWith(':')) _labels.Add(line[..^1], at);
            else at++;
        Code = [.. lines.Where(line => !line.EndsWith(':')).Select(Decode)];
    }

    /// <summary>Registers that are given: where a thread is.</summary>
    public static readonly string[] Specials = ["%tid.x", "%ctaid.x", "%ctaid.y", "%ctaid.z", "%ntid.x", "%nctaid.x",
        "%nctaid.y", "%nctaid.z"];

    public PtxInstruction[] Code { get; }

    /// <summary>A thread's registers at the start: zeros, and constants in places of their own.</summary>
    public ulong[] Registers => [.. _values];

    /// <summary>Bytes of shared memory.</summary>
    public int SharedBytes { get; private set; }

    /// <summary>Statements and labels; what is declared is noted.</summary>
    private IEnumerable<string> Lines(string body)
    {
        // Inline blocks rename registers for one instruction: { .reg .u32 s; cvt.u32.u64 s, %rd1; ldmatrix… [s]; }
        body = InlineBlock().Replace(body, block =>
        {
            string last = block.Groups["last"].Value;
            foreach (Match rename in Rename().Matches(block.Value))
                last = last.Replace($"[{rename.Groups[1].Value}]", $"[{rename.Groups[2].Value}]",
                    StringComparison.Ordinal);
            return last + ";";
        });
        foreach (string raw in body.Split('\n'))
        {
            foreach (string part in raw.Split(';'))
            {
                string line = part.Trim();
                if (line.Length == 0 || line.StartsWith("//", StringComparison.Ordinal)
                    || line.StartsWith(".reg", StringComparison.Ordinal)) continue;
                if (Declaration().Match(line) is { Success: true } shared)
                {
                    int align = Number(shared.Groups[1].Value), size = Number(shared.Groups[3].Value);
                    int start = (SharedBytes + align - 1) / align * align;
                    _shared.Add(shared.Groups[2].Value, start);
                    SharedBytes = start + size;
                }
                else yield return line;
            }
        }
    }

    private PtxInstruction Decode(string text)
    {
        var m = Statement().Match(text);
        if (!m.Success) throw new NotSupportedException($"'{text}'");
        string op = m.Groups["op"].Value;
        int guard = m.Groups["guard"].Success ? Place(m.Groups["guard"].Value) : -1, offset = 0;
        var operands = new List<int>();
        foreach (Match token in Token().Matches(m.Groups["operands"].Value))
        {
            string name = token.Groups["name"].Value;
            if (token.Groups["offset"].Success) offset += Number(token.Groups["offset"].Value);
            if (_labels.TryGetValue(name, out int target)) offset = target;
            else if (name[0] != '_' || _shared.ContainsKey(name)) operands.Add(Place(name));
        }
        if (!Enum.TryParse(op.Replace('.', '_'), out PtxOp number))
            throw new NotSupportedException($"'{op}' of '{text}'");
        return new(number, guard, m.Groups["not"].Success, [.. operands], offset, text);
    }

    private int Place(string name)
    {
        if (_places.TryGetValue(name, out int place)) return place;
        _places.Add(name, _values.Count);
        _values.Add(name[0] == '%' ? 0 : name.StartsWith("0f", StringComparison.Ordinal)
            ? uint.Parse(name.AsSpan(2), NumberStyles.HexNumber, CultureInfo.InvariantCulture)
            : name.StartsWith("0d", StringComparison.Ordinal)
            ? ulong.Parse(name.AsSpan(2), NumberStyles.HexNumber, CultureInfo.InvariantCulture)
            : _shared.TryGetValue(name, out int start)
            ? (ulong)start
            : (ulong)long.Parse(name, CultureInfo.InvariantCulture));
        return _values.Count - 1;
    }

    private static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);

    [GeneratedRegex(@"\{ \.reg[^}]*; (?<last>(cp\.async|ldmatrix)[^;]*(\{[^}]*\}[^;]*)?); \}")]
    private static partial Regex InlineBlock();

    [GeneratedRegex(@"(?:cvt\.u32\.u64|mov\.u64) (\w+), (%\w+);")]
    private static partial Regex Rename();

    [GeneratedRegex(@"^\.shared \.align (\d+) \.b8 (\w+)\[(\d+)\]$")]
    private static partial Regex Declaration();

    [GeneratedRegex(@"^(@(?<not>!)?(?<guard>%p\d+)\s+)?(?<op>[a-z][\w.]*)\s*(?<operands>.*)$")]
    private static partial Regex Statement();

    [GeneratedRegex(@"(?<name>[%\w.-]+)(\+(?<offset>\d+))?")]
    private static partial Regex Token();
}
