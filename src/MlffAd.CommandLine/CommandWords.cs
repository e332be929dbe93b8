using System.CommandLine;
using System.CommandLine.Parsing;

namespace MlffAd.CommandLine;

/// <summary>Words of a command line that the parser takes for something they do not mean, or does not know.</summary>
internal static class CommandWords
{
    /// <summary>What is wrong with the first of them, in a sentence; null if all are well.</summary>
    public static string? Refusal(ParseResult parse, string[] words)
    {
        var command = parse.CommandResult.Command;
        if (command.Subcommands.Count > 0 && parse.UnmatchedTokens is [var verb, ..] && !verb.StartsWith('-'))
            return NoVerb(verb, command);
        Option[] options = [.. OptionsOf(parse.CommandResult)];
        foreach (string word in words.TakeWhile(word => word != "--").Where(word => word is ['-', _, ..]))
            if (OfOption(word, options) is { } why) return why;
        if (Empty(parse.CommandResult) is { } name) return $"{name} is empty: say what it is, or leave it out.";
        // The system hands on names of bytes that are not UTF-8 with this in their place.
        return words.FirstOrDefault(word => word.Contains('\uFFFD') && !Path.Exists(word)) is { } path
            ? $"'{path}': its name is not UTF-8; rename it, or take another." : null;
    }

    /// <summary>Options that a command takes: its own, and those that commands above it hand down.</summary>
    private static IEnumerable<Option> OptionsOf(CommandResult command)
    {
        IEnumerable<Option> options = command.Command.Options;
        for (var above = command.Parent as CommandResult; above is not null; above = above.Parent as CommandResult)
            options = options.Concat(above.Command.Options.Where(option => option.Recursive));
        return options;
    }

    private static string? OfOption(string word, Option[] options)
    {
        int end = word.IndexOfAny(['=', ':']);
        string name = end < 0 ? word : word[..end];
        string? value = end < 0 ? null : word[(end + 1)..];
        var option = Find(name, options);
        // A flag's letter and what sticks to it, which no other flag is.
        if (option is null && word[1] != '-' && Find(word[..2], options) is { } flag && IsFlag(flag)
            && Find($"-{word[2]}", options) is null) (option, name, value) = (flag, word[..2], word[2..]);
        if (option is null && word.StartsWith("--", StringComparison.Ordinal))
        {
            string nearest = options.SelectMany(o => o.Aliases.Prepend(o.Name))
                .MinBy(known => EditDistance.Between(name, known))!;
            return $"There is no option '{name}'; the nearest is '{nearest}'.";
        }
        if (option is null || value is null) return null;
        if (value.Length == 0) return $"'{word}' has no value: give {name} one, or leave it out.";
        return IsFlag(option) && !bool.TryParse(value, out _)
            ? $"{name} is given or left out, or takes true or false, not '{value}'." : null;
    }

    private static Option? Find(string name, Option[] options) =>
        options.FirstOrDefault(option => option.Name == name || option.Aliases.Contains(name));

    private static bool IsFlag(Option option) => option.ValueType == typeof(bool);

    private static string? Empty(CommandResult command)
    {
        foreach (var child in command.Children)
            // Names may begin with nothing.
            if (child is not OptionResult { Option.Name: "--prefix" }
                && child.Tokens.Any(token => token.Value.Length == 0))
                return child is OptionResult option ? option.IdentifierToken?.Value ?? option.Option.Name
                    : ((ArgumentResult)child).Argument.Name;
        return command.Parent is CommandResult above ? Empty(above) : null;
    }

    private static string NoVerb(string word, Command command)
    {
        string nearest = command.Subcommands.Select(verb => verb.Name).MinBy(verb => EditDistance.Between(word, verb))!;
        if (EditDistance.Between(word, nearest) <= Math.Max(1, nearest.Length / 3))
            return $"There is no verb '{word}'; did you mean '{nearest}'?";
        string due = $"{(command is RootCommand ? "mlffad" : $"mlffad {command.Name}")} VERB {word}";
        return Path.Exists(word) ? $"'{word}' is no verb: say what to do with it, '{due}'."
            : $"There is no verb '{word}'{(word.AsSpan().ContainsAny("./\\") ? ", and no file of that name" : "")}.";
    }
}
