using System.Text.RegularExpressions;
using MlffAd.Cli;
using static System.StringComparison;

namespace MlffAd.Tests.CommandLine;

/// <summary>The line that says how far the work is, on a screen that does what a terminal does with returns and full
/// lines.</summary>
public sealed class StatusLineTests
{
    [Theory]
    [InlineData(20)]
    [InlineData(40)]
    [InlineData(80)]
    [InlineData(100)]
    [InlineData(120)]
    public void ItKeepsToItsLineAndLeavesNothing(int width)
    {
        using var screen = new Screen(width);
        using (var line = new StatusLine(new StandardWriter(screen, width)))
            foreach (string text in (string[])["a", new('b', width - 1), new('c', width), new('d', 250), "ee", ""])
            {
                line.Show(text);
                string fits = text[..Math.Min(text.Length, width - 1)];
                Assert.Equal([fits], screen.Lines);
            }
        Assert.Equal([""], screen.Lines);
    }

    [Fact]
    public void WithoutATerminalOrInQuietThereIsNone()
    {
        using StringWriter file = new(), quiet = new();
        new StatusLine(file).Show("1 of 2");
        new StatusLine(new StandardWriter(quiet, 80), quiet: true).Show("1 of 2");
        Assert.Equal("", file.ToString() + quiet);
    }

    [Theory]
    [InlineData(20)]
    [InlineData(60)]
    [InlineData(80)]
    [InlineData(100)]
    [InlineData(120)]
    public void WhatTrainingSaysHasNoTailOfTheBar(int width)
    {
        using var screen = new Screen(width);
        new TrainingDisplay(new StandardWriter(screen, width), quiet: false).Show((say, onProgress) =>
        {
            for (int i = 0; i < 3; i++)
            {
                Thread.Sleep(120);   // shown ten times a second
                var left = TimeSpan.FromMinutes(100);
                onProgress(new MemoryProgress("choosing what to remember", 1000 * i, 100_000_000, i / 3.0, left));
                Assert.InRange(screen.Lines[^1].Length, width / 2, width - 1);
                Assert.Contains("1 h 40 min", screen.Lines[^1], Ordinal);
                say($"said {i}.");
            }
            return null!;
        });
        Assert.Equal(["said 0.", "said 1.", "said 2.", ""], screen.Lines);
    }

    /// <summary>A terminal's screen, as far as lines and returns go.</summary>
    private sealed class Screen(int width) : StringWriter
    {
        private readonly List<char[]> _lines = [Blank(width)];
        private int _column;

        public string[] Lines => [.. _lines.Select(line => new string(line).TrimEnd())];

        public override void Write(char value)
        {
            if (value == '\r') _column = 0;
            else if (value == '\n')
            {
                _lines.Add(Blank(width));
                _column = 0;
            }
            else
            {
                if (_column == width) Write('\n');
                _lines[^1][_column++] = value;
            }
        }

        public override void Write(string? value)
        {
            foreach (char c in Regex.Replace(value ?? "", @"\x1b\[[0-9;?]*[a-zA-Z]", "")) Write(c);
        }

        private static char[] Blank(int width) => [.. new string(' ', width)];
    }
}
