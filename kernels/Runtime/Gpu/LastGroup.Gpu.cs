using ILGPU;

namespace MlffAd.Kernels.Runtime;

/// <summary>Tells the group that finishes last, which may then use what the others have written: a sum of all groups'
/// parts without a launch of its own.</summary>
/// <remarks>Who is last is chance; what it does must not depend on it, such as adding the parts
/// in their order.</remarks>
internal static class LastGroup
{
    /// <summary>Counters that a launch may use; each is 0 before and after it.</summary>
    public const int Counters = 4096;

    /// <summary>Whether the other <paramref name="groups"/> − 1 groups of a counter have all been here, and have
    /// written what they wrote before. All threads of a group must call; the first of <paramref name="shared"/>
    /// is overwritten.</summary>
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
