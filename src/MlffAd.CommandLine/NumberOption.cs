using System.CommandLine;
using System.CommandLine.Parsing;
using System.Numerics;

namespace MlffAd.CommandLine;

/// <summary>How options read numbers: whole ones as <c>12</c>, others as <c>0.5</c>, <c>-3</c> or <c>1e-3</c>, whatever
/// the system's language. A comma is neither a point nor left out: <c>0,5</c> is refused.</summary>
internal static class NumberOption
{
    /// <summary>Lets an option take the numbers of a range alone; all else is a usage error.</summary>
    /// <param name="option">The option.</param>
    /// <param name="least">The smallest it takes.</param>
    /// <param name="most">The largest it takes.</param>
    public static Option<T> Within<T>(this Option<T> option, T least, T most) where T : INumber<T>
    {
        option.CustomParser = result => Read(option, result, least, most);
        return option;
    }

    /// <summary>The same for an option that need not be given.</summary>
    public static Option<T?> Within<T>(this Option<T?> option, T least, T most) where T : struct, INumber<T>
    {
        option.CustomParser = result => Read(option, result, least, most);
        return option;
    }

    /// <summary>The number that a text stands for.</summary>
    public static bool TryRead<T>(string text, out T value) where T : INumber<T>
    {
        var style = IsWhole<T>() ? NumberStyles.AllowLeadingSign : NumberStyles.Float;
        return T.TryParse(text, style, CultureInfo.InvariantCulture, out value!) && T.IsFinite(value);
    }

    private static bool IsWhole<T>() where T : INumber<T> => T.IsZero(T.One / (T.One + T.One));

    private static T Read<T>(Option option, ArgumentResult result, T least, T most)
        where T : INumber<T>
    {
        string text = result.Tokens[0].Value;
        if (!TryRead(text, out T value))
        {
            string what = IsWhole<T>() ? "whole number, such as 12" : "number, such as 0.5";
            result.AddError($"{option.Name} takes a {what}, not '{text}'.");
        }
        else if (value < least) result.AddError(Bound("least", least));
        else if (value > most) result.AddError(Bound("most", most));
        return value;

        string Bound(string which, T bound) =>
            string.Create(CultureInfo.InvariantCulture,
                $"{option.Name} must be at {which} {bound:0.######}, not {text}.");
    }
}
