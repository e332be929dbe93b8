using ILGPU;

namespace MlffAd.Kernels.Runtime;

/// <summary>Detects the group that finishes last, which may then reduce the partial results of all groups: saves a
/// launch.</summary>
/// <remarks>Which group is last varies; its work must not depend on it (parts are added in their order).</remarks>
internal static class LastGroup
{
    /// <summary>Counters that a launch may use; each is 0 before and after it.</summary>
    public const int Counters = 4096;

    /// <summary>Whether all other <paramref name="groups"/> − 1 groups of a counter have called; their earlier writes
    /// are then visible. All threads of a group must call; <c>shared[0]</c> is overwritten.</summary>
    public static bool HasCome(ArrayView<float> shared, ArrayView<int> counters, int counter, int groups,
        bool takesPart = true)
    {
        MemoryFence.DeviceLevel();
        Group.Barrier();   // all of this group's threads have written
        if (takesPart && Group.IdxX == 0)
        {
            int before = Atomic.Add(ref counters[counter], 1);
            if (before == groups - 1) counters[counter] = 0;
            shared[0] = before;
        }
        Group.Barrier();
        bool last = takesPart && shared[0] == groups - 1;
        MemoryFence.DeviceLevel();
        Group.Barrier();   // shared memory may be used again
        return last;
    }
}
