using MlffAd.Tests.Ptx;

namespace MlffAd.Tests;

internal static partial class TestDevices
{
    static partial void OpenMachine(string id, ref Device? device)
    {
        if (id.StartsWith("ptx:", StringComparison.Ordinal)) device = PtxMachine.Open(id);
    }
}
