namespace MlffAd.Kernels.Runtime;

/// <summary>A device is absent, was asked for more than it has, or ran out of memory. The message is one
/// sentence for the user.</summary>
public sealed class DeviceException(string message, Exception? inner = null) : Exception(message, inner);
