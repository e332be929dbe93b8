using System.CommandLine;
using MlffAd.CommandLine;

namespace MlffAd.Cli;

/// <summary><c>mlffad devices</c>: what <c>--device</c> can name here, and why the rest cannot be used.</summary>
internal static class DevicesCommand
{
    public static Command Create()
    {
        var verb = new Verb("devices",
            "Lists the devices that can compute here, with their memory, and why others cannot.", "mlffad devices");
        verb.SetAction(parse =>
        {
            var devices = Device.List();
            int width = devices.Max(d => d.Id.Length);
            foreach (var d in devices)
                Tables.WriteBeside(parse.InvocationConfiguration.Output, d.Id, width + 2, Describe(d));
        });
        return verb;
    }

    private static string Describe(DeviceInfo d) =>
        d.Unavailable is not null ? $"unavailable: {d.Unavailable}"
        : d.MemoryBytes > 0 ? FormattableString.Invariant($"{d.Name}, {d.MemoryBytes / (double)(1 << 30):0.0} GiB")
        : d.Name;
}
