namespace MlffAd.Models;

/// <summary>What <c>learn</c> has to know of a memory besides its numbers, and nothing else reads: pictures of good
/// parts that its threshold rests on, and which images it has seen (spec §12).</summary>
/// <param name="Pictures">The pictures, S × S.</param>
/// <param name="Known">Every image that was learnt or is kept, by its contents, in the order in which they came: the
/// group of its vectors, <see cref="NoGroup"/> where it has none.</param>
internal sealed record KeptPictures(IReadOnlyList<RgbImage> Pictures, OrderedDictionary<ulong, int> Known)
{
    /// <summary>Names of the tensors.</summary>
    public const string Kept = "memory.kept", Images = "memory.images", Groups = "memory.imageGroups";

    /// <summary>Of an image that no vector is of.</summary>
    public const int NoGroup = -1;

    /// <summary>Bytes of pictures that <c>train</c> keeps at most.</summary>
    private const long MostBytes = 64 << 20;

    /// <summary>Bytes by which an image is known.</summary>
    private const int ContentBytes = sizeof(ulong);

    /// <summary>The groups of images that have vectors.</summary>
    public IReadOnlyDictionary<ulong, int> GroupOf =>
        Known.Where(image => image.Value != NoGroup).ToDictionary(image => image.Key, image => image.Value);

    /// <summary>How many pictures of a side <c>train</c> keeps at most: 64 MiB, or as many as a threshold
    /// takes.</summary>
    public static int Most(int side) => Math.Max(Holdout.FewestHeld, (int)(MostBytes / (3L * side * side)));

    /// <summary>Those of a model that is made of images, whatever their order.</summary>
    /// <param name="pictures">The pictures to keep.</param>
    /// <param name="learnt">Images that were learnt, by their contents.</param>
    /// <param name="groups">The groups of those that have vectors.</param>
    public static KeptPictures Of(IReadOnlyList<RgbImage> pictures, IEnumerable<ulong> learnt,
        IReadOnlyDictionary<ulong, int> groups) => new([.. pictures.OrderBy(picture => picture.Contents)], new(learnt
        .Concat(pictures.Select(picture => picture.Contents)).Distinct().Order()
        .Select(image => KeyValuePair.Create(image, groups.GetValueOrDefault(image, NoGroup)))));

    /// <summary>Reads and checks them; there are none in models of earlier versions.</summary>
    /// <exception cref="MlffAdException">They are cut, or contradict one another (exit code 4).</exception>
    public static KeptPictures Read(ModelFile model)
    {
        var (file, side) = (model.Tensors, model.Metadata.Config.ImageSize);
        var known = new OrderedDictionary<ulong, int>();
        if (Rows(file, Images, DType.U8, [ContentBytes]) is var count and > 0)
        {
            file.RequireShape(Groups, [count, 1]);
            byte[] contents = file.ReadBytes(Images);
            float[] groups = file.ReadFloats(Groups, [count, 1]);
            for (int i = 0; i < count; i++)
            {
                if (groups[i] < NoGroup || groups[i] != MathF.Floor(groups[i]) || groups[i] > int.MaxValue / 2)
                    throw Damaged(file, $"its '{Groups}' has a group {groups[i]}");
                if (!known.TryAdd(ImageContents.Of(contents.AsSpan(i * ContentBytes, ContentBytes)), (int)groups[i]))
                    throw Damaged(file, $"its '{Images}' has an image twice");
            }
        }
        var pictures = new RgbImage[Rows(file, Kept, DType.U8, [side, side, 3])];
        byte[] pixels = pictures.Length > 0 ? file.ReadBytes(Kept) : [];
        int length = 3 * side * side;
        ulong[] shown = new ulong[pictures.Length];
        Parallel.For(0, pictures.Length, i =>
        {
            pictures[i] = new(side, side, pixels.AsSpan(i * length, length).ToArray());
            shown[i] = pictures[i].Contents;
        });
        if (Array.FindIndex(shown, image => !known.ContainsKey(image)) is var lost and >= 0)
            throw Damaged(file, $"picture {lost + 1} of its '{Kept}' is none of its '{Images}'");
        if (shown.Distinct().Count() < shown.Length) throw Damaged(file, $"its '{Kept}' has a picture twice");
        return new(pictures, known);
    }

    /// <summary>As they are written.</summary>
    public IEnumerable<TensorData> ToTensorData(int side)
    {
        if (Pictures.Count > 0)
            yield return new(Kept, DType.U8, [Pictures.Count, side, side, 3], stream =>
            {
                foreach (var picture in Pictures) stream.Write(picture.Rgb);
            });
        if (Known.Count == 0) yield break;
        yield return new(Images, DType.U8, [Known.Count, ContentBytes], stream =>
        {
            foreach (ulong image in Known.Keys) stream.Write(ImageContents.ToBytes(image));
        });
        yield return TensorData.Floats(Groups, [Known.Count, 1],
            Known.Values.Select(group => (float)group).ToArray());
    }

    /// <summary>How many rows of a shape a tensor has; 0 where there is none.</summary>
    internal static int Rows(SafetensorsFile file, string name, DType type, ReadOnlySpan<int> row)
    {
        if (!file.Tensors.TryGetValue(name, out var tensor)) return 0;
        int count = tensor.Shape is [var first, ..] ? first : 0;
        file.RequireShape(name, [count, .. row]);
        return tensor.DType == type ? count : throw Damaged(file, $"its '{name}' is of {tensor.DType}, not {type}");
    }

    internal static MlffAdException Damaged(SafetensorsFile file, string fault) =>
        new(ExitCode.BadModel, $"'{file.Source}' is damaged: {fault}.");
}
