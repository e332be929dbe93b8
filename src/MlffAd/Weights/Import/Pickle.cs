using System.Buffers.Binary;
using System.Numerics;
using System.Text;

namespace MlffAd.Weights;

/// <summary>Reads the part of Python's pickle format that describes tensors. Nothing is executed: a global is a name on
/// a closed list, a call of one builds a record of ours, and anything else is refused by name.</summary>
/// <remarks>Values: null, bool, long, <see cref="BigInteger"/>, double, string, tuples (<c>object?[]</c>), lists
/// (<c>List&lt;object?&gt;</c>), dictionaries (<see cref="Map"/>) and what <see cref="TorchGlobals"/> makes. A repeated
/// reference is one object, never a copy, and nothing is walked recursively; strings are bounded by
/// <see cref="Longest"/> before they are allocated. Faults are <see cref="FormatException"/>s with a clause.</remarks>
internal sealed class Pickle
{
    /// <summary>Bytes a pickle may have: tens of thousands of tensors' descriptions. It also bounds the memory that
    /// opcodes can fill: a call, which may be given the same list again and again, counts as so many bytes as it is
    /// given values.</summary>
    public const int Longest = 1 << 22;

    /// <summary>Letters of a key. A longer one, which a few bytes may recall again and again, is no tensor's
    /// name.</summary>
    public const int LongestKey = 1000;

    private readonly Stream stream;
    private readonly Func<object?, object> persistent;
    private readonly List<object?> stack = [];
    private readonly Stack<int> marks = [];
    private readonly Dictionary<uint, object?> memo = [];
    private readonly int longest;
    private int left;

    private Pickle(Stream stream, Func<object?, object> persistent, int longest)
    {
        (this.stream, this.persistent) = (stream, persistent);
        this.longest = left = longest;
    }

    /// <summary>A dictionary; entries whose key is no string are dropped.</summary>
    public sealed class Map : Dictionary<string, object?>
    {
        public Map() : base(StringComparer.Ordinal) { }

        public void Set(object? key, object? value)
        {
            if (key is not string name) return;
            if (name.Length > LongestKey) throw new FormatException($"it has a key of more than {LongestKey} letters");
            this[name] = value;
        }
    }

    /// <summary>Reads one pickle and leaves the stream after it.</summary>
    /// <param name="stream">Where it starts.</param>
    /// <param name="persistent">Turns a persistent identifier into what it stands for.</param>
    /// <param name="longest">Bytes it may have, what calls are given counted.</param>
    public static object? Load(Stream stream, Func<object?, object> persistent, int longest = Longest) =>
        new Pickle(stream, persistent, longest).Run();

    private object? Run()
    {
        while (true)
        {
            byte opcode = Byte();
            switch (opcode)
            {
                case 0x80:
                    if (Byte() is var protocol and > 5)
                        throw new FormatException($"it is a pickle of protocol {protocol}"); break;
                case 0x95: Bytes(8); break;                                             // FRAME: its length is no news
                case (byte)'.': return Pop();                                           // STOP
                case (byte)'(': marks.Push(stack.Count); break;                         // MARK
                case (byte)'N': stack.Add(null); break;                                 // NONE
                case 0x88: stack.Add(true); break;                                      // NEWTRUE
                case 0x89: stack.Add(false); break;                                     // NEWFALSE
                case (byte)'K': stack.Add((long)Byte()); break;                         // BININT1
                case (byte)'M': stack.Add((long)BinaryPrimitives.ReadUInt16LittleEndian(Bytes(2))); break;
                case (byte)'J': stack.Add((long)BinaryPrimitives.ReadInt32LittleEndian(Bytes(4))); break;
                case 0x8a: stack.Add(Integer(Bytes(Byte()))); break;                    // LONG1
                case (byte)'G': stack.Add(BinaryPrimitives.ReadDoubleBigEndian(Bytes(8))); break;
                case (byte)'X': stack.Add(Text(Length())); break;                       // BINUNICODE
                case (byte)'T': stack.Add(Text(Length())); break;                       // BINSTRING
                // SHORT_BINUNICODE, SHORT_BINSTRING
                case 0x8c or (byte)'U': stack.Add(Text(Byte())); break;
                case (byte)'}': stack.Add(new Map()); break;                            // EMPTY_DICT
                case (byte)']': stack.Add(new List<object?>()); break;                  // EMPTY_LIST
                case (byte)')': stack.Add(Array.Empty<object?>()); break;               // EMPTY_TUPLE
                case (byte)'t': stack.Add(PopMarked()); break;                          // TUPLE
                case 0x85 or 0x86 or 0x87: stack.Add(PopMany(opcode - 0x84)); break;    // TUPLE1, TUPLE2, TUPLE3
                case (byte)'a': AppendTo([Pop()]); break;                               // APPEND
                case (byte)'e': AppendTo(PopMarked()); break;                           // APPENDS
                case (byte)'s': SetIn(PopMany(2)); break;                               // SETITEM
                case (byte)'u': SetIn(PopMarked()); break;                              // SETITEMS
                case (byte)'q': memo[Byte()] = Top(); break;                            // BINPUT
                case (byte)'r': memo[BinaryPrimitives.ReadUInt32LittleEndian(Bytes(4))] = Top(); break;
                case 0x94: memo[(uint)memo.Count] = Top(); break;                       // MEMOIZE
                case (byte)'h': stack.Add(Recall(Byte())); break;                       // BINGET
                case (byte)'j': stack.Add(Recall(BinaryPrimitives.ReadUInt32LittleEndian(Bytes(4)))); break;
                case (byte)'c': stack.Add(TorchGlobals.Find(Line(), Line())); break;    // GLOBAL
                case 0x93:                                                              // STACK_GLOBAL
                    if (PopMany(2) is not [string module, string name])
                        throw new FormatException("it names a global without a name");
                    stack.Add(TorchGlobals.Find(module, name));
                    break;
                case (byte)'R':                                                         // REDUCE
                    if (PopMany(2) is not [TorchGlobals.Callable call, object?[] arguments])
                        throw new FormatException("it calls what is no function");
                    foreach (object? argument in arguments) Take(SizeOf(argument));
                    stack.Add(call.Invoke(arguments));
                    break;
                // BUILD: attributes of a dictionary, of no use here
                case (byte)'b':
                    Pop();
                    if (Top() is not Map) throw new FormatException("it sets the state of what is no dictionary");
                    break;
                case (byte)'Q': stack.Add(persistent(Pop())); break;                    // BINPERSID
                default:
                    throw new FormatException($"it has the pickle opcode 0x{opcode:x2}, which tensors do not need");
            }
        }
    }

    private void AppendTo(object?[] items)
    {
        if (Top() is not List<object?> list) throw new FormatException("it appends to what is no list");
        list.AddRange(items);
    }

    private void SetIn(object?[] items)
    {
        if (Top() is not Map map || items.Length % 2 != 0)
            throw new FormatException("it sets items of what is no dictionary");
        for (int i = 0; i < items.Length; i += 2) map.Set(items[i], items[i + 1]);
    }

    private object? Recall(uint index) =>
        memo.TryGetValue(index, out object? value)
            ? value
            : throw new FormatException($"it recalls the memo {index}, which it never set");

    private int Floor => marks.Count > 0 ? marks.Peek() : 0;

    private object? Top() =>
        stack.Count > Floor ? stack[^1] : throw new FormatException("it takes more values than it has");

    private object? Pop() => PopMany(1)[0];

    private object?[] PopMany(int count)
    {
        if (stack.Count - Floor < count) throw new FormatException("it takes more values than it has");
        object?[] values = [.. stack[^count..]];
        stack.RemoveRange(stack.Count - count, count);
        return values;
    }

    private object?[] PopMarked()
    {
        if (marks.Count == 0) throw new FormatException("it has no mark where it needs one");
        object?[] values = PopMany(stack.Count - Floor);
        marks.Pop();
        return values;
    }

    private static int SizeOf(object? argument) => argument switch
    {
        List<object?> list => list.Count,
        object?[] tuple => tuple.Length,
        _ => 0,
    };

    private static object Integer(ReadOnlySpan<byte> bytes)
    {
        var value = new BigInteger(bytes);
        return value >= long.MinValue && value <= long.MaxValue ? (object)(long)value : value;
    }

    private int Length() => BinaryPrimitives.ReadUInt32LittleEndian(Bytes(4)) is var length && length <= left
        ? (int)length
        : throw new FormatException($"it has a string of {length} bytes");

    private string Text(int length) => Encoding.UTF8.GetString(Bytes(length));

    private string Line()
    {
        var line = new StringBuilder();
        for (byte c; (c = Byte()) != '\n';)
        {
            if (line.Length == 256) throw new FormatException("it names a global of more than 256 letters");
            line.Append((char)c);
        }
        return line.ToString();
    }

    private byte Byte()
    {
        Take(1);
        int value = stream.ReadByte();
        return value >= 0 ? (byte)value : throw new EndOfStreamException();
    }

    private byte[] Bytes(int count)
    {
        Take(count);
        byte[] bytes = new byte[count];
        stream.ReadExactly(bytes);
        return bytes;
    }

    private void Take(int count)
    {
        if (count > left)
            throw new FormatException($"its description of tensors has or makes more than {longest} bytes");
        left -= count;
    }
}
