using System.Text;

namespace MlffAd;

/// <summary>Foreign text (a file's name, what a file says of itself) as a terminal or a log may show it: in one line,
/// of bounded length, without signs that steer a terminal or turn the direction of reading.</summary>
public static class Shown
{
    /// <summary>The text with <c>\n</c>, <c>\x1b</c>, <c>\u202e</c> for what is unfit; where that is longer than
    /// <paramref name="most"/> letters, its beginning and its end with "…" between them.</summary>
    public static string Text(string text, int most = 200)
    {
        ArgumentNullException.ThrowIfNull(text);
        text = Cut(text, most);
        var shown = new StringBuilder(text.Length);
        for (int i = 0; i < text.Length; i++)
        {
            char c = text[i];
            if (char.IsHighSurrogate(c) && i + 1 < text.Length && char.IsLowSurrogate(text[i + 1]))
                shown.Append(c).Append(text[++i]);
            else if (IsUnfit(c) || char.IsSurrogate(c)) shown.Append(Escape(c));
            else shown.Append(c);
        }
        // A sign's escape is longer than the sign.
        return Cut(shown.ToString(), most);
    }

    private static string Cut(string text, int most)
    {
        if (text.Length <= most) return text;
        int head = most / 2, tail = text.Length - (most - 1 - head);
        if (char.IsHighSurrogate(text[head - 1])) head--;
        if (char.IsLowSurrogate(text[tail])) tail++;
        return $"{text[..head]}…{text[tail..]}";
    }

    /// <summary>C0 and C1 controls, line and paragraph separators, marks of direction.</summary>
    private static bool IsUnfit(char c) => char.IsControl(c)
        || c is '\u061c' or '\u200e' or '\u200f' or (>= '\u2028' and <= '\u202e') or (>= '\u2066' and <= '\u2069');

    private static string Escape(char c) => c switch
    {
        '\n' => @"\n",
        '\r' => @"\r",
        '\t' => @"\t",
        < (char)0x100 => $"\\x{(int)c:x2}",
        _ => $"\\u{(int)c:x4}",
    };
}
