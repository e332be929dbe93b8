namespace MlffAd.Tests.House;

/// <summary>Rooms on floors: each stands above all that it has arrows to.</summary>
internal sealed class Floors
{
    private readonly Dictionary<string, string[]> below;
    private readonly Dictionary<string, int> floors = [];

    public Floors(IEnumerable<string> rooms, IEnumerable<(string From, string To)> arrows)
    {
        var targets = arrows.ToLookup(arrow => arrow.From, arrow => arrow.To);
        below = rooms.ToDictionary(room => room, room => targets[room].Order(StringComparer.Ordinal).ToArray());
        Circles = [.. Components().Where(component => component.Length > 1)];
        if (Circles.Length == 0) foreach (string room in below.Keys) FloorOf(room);
    }

    /// <summary>The sets of rooms that all reach each other, largest first; none in a house that stands.</summary>
    public string[][] Circles { get; }

    /// <summary>The floors of the rooms that a condition chooses, the highest first.</summary>
    public IEnumerable<(int Floor, string[] Rooms)> Of(Func<string, bool> chosen) =>
        floors.Where(room => chosen(room.Key))
        .GroupBy(room => room.Value, room => room.Key).OrderByDescending(floor => floor.Key)
        .Select(floor => (floor.Key, floor.Order(StringComparer.Ordinal).ToArray()));

    /// <summary>What a room stands on: the rooms it names, without those that one of the others stands on.</summary>
    public string[] StandsOn(string room) =>
        [.. below[room].Where(target => !below[room].Any(other => other != target && Reaches(other, target)))];

    private bool Reaches(string from, string to) => below[from].Any(next => next == to || Reaches(next, to));

    private int FloorOf(string room) => floors.TryGetValue(room, out int floor)
        ? floor
        : floors[room] = below[room].Select(FloorOf).DefaultIfEmpty(-1).Max() + 1;

    /// <summary>The strongly connected components, by Tarjan's algorithm.</summary>
    private List<string[]> Components()
    {
        var components = new List<string[]>();
        var order = new Dictionary<string, int>();
        var lowest = new Dictionary<string, int>();
        var open = new Stack<string>();
        foreach (string room in below.Keys) if (!order.ContainsKey(room)) Visit(room);
        return [.. components.OrderByDescending(component => component.Length)];

        void Visit(string room)
        {
            order[room] = lowest[room] = order.Count;
            open.Push(room);
            foreach (string next in below[room])
                if (!order.ContainsKey(next))
                {
                    Visit(next);
                    lowest[room] = Math.Min(lowest[room], lowest[next]);
                }
                else if (open.Contains(next)) lowest[room] = Math.Min(lowest[room], order[next]);
            if (lowest[room] != order[room]) return;
            var component = new List<string>();
            do component.Add(open.Pop()); while (component[^1] != room);
            components.Add([.. component.Order(StringComparer.Ordinal)]);
        }
    }
}
