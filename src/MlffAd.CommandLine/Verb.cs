using System.CommandLine;

namespace MlffAd.CommandLine;

/// <summary>A verb of the command line: a command whose help ends with examples.</summary>
/// <param name="name">What is typed.</param>
/// <param name="description">One sentence: what it does for the person at the keyboard.</param>
/// <param name="examples">Whole command lines, without the prompt.</param>
internal sealed class Verb(string name, string description, params string[] examples) : Command(name, description)
{
    public IReadOnlyList<string> Examples { get; } = examples;
}
