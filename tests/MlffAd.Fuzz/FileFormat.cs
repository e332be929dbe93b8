namespace MlffAd.Fuzz;

/// <summary>A kind of file that the program reads, and how it is tried.</summary>
/// <param name="Name">What the command line and the report call it.</param>
/// <param name="Seeds">Whole files, made by code.</param>
/// <param name="Refusal">The exit code that a file which cannot be used ends in.</param>
/// <param name="Read">Does with a file what the program does.</param>
internal sealed record FileFormat(string Name, Seed[] Seeds, ExitCode Refusal, Action<string> Read)
{
    /// <summary>Whether a file gets beyond the first look at it: its signature, the walk through its parts.</summary>
    public required Func<byte[], bool> FirstCheck { get; init; }

    /// <summary>Puts right what nobody who breaks a file on purpose would leave wrong: checksums and lengths.</summary>
    public Func<byte[], byte[]> Repair { get; init; } = bytes => bytes;

    /// <summary>Words of the format.</summary>
    public string[] Words { get; init; } = [];

    /// <summary>Whether it is JSON, or holds some where a seed says.</summary>
    public bool IsText { get; init; }

    /// <summary>The mutant of that number: the same for the same seed, whatever else is tried.</summary>
    public byte[] Mutant(long seed, long number)
    {
        // SplitMix64's finish: neighbouring numbers have nothing in common.
        ulong key = (ulong)seed * 0x9E3779B97F4A7C15 + (ulong)number;
        foreach (char c in Name) key = key * 31 + c;
        key = (key ^ key >> 30) * 0xBF58476D1CE4E5B9;
        key = (key ^ key >> 27) * 0x94D049BB133111EB;
        var random = new Random((int)(key >> 32));
        var from = Seeds[random.Next(Seeds.Length)];
        byte[] bytes = from.Wrap(new Mutation(random, Words, IsText).Of(from));
        return random.Next(8) == 0 ? bytes : Repair(bytes);
    }
}

/// <summary>A whole file, or a part of one.</summary>
/// <param name="Bytes">What is mutated.</param>
/// <param name="Focus">Of its first bytes, so many are mutated as often as all.</param>
internal sealed record Seed(byte[] Bytes, int Focus = 256)
{
    /// <summary>Makes a file of a part.</summary>
    public Func<byte[], byte[]> Wrap { get; init; } = bytes => bytes;
}
