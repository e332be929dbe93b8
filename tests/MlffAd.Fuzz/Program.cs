using MlffAd.Fuzz;

const string help = """
    Breaks files of every kind that mlffad reads, and reads them: each is read, or refused in one line, within 5 s and
    1 GB.

      --seconds N           stop after so many seconds (60)
      --count N             stop after so many mutants
      --seed N|random       what the mutants depend on (0)
      --threads N           mutants at a time (1)
      --only FORMAT         one format
      --replay FORMAT N     one mutant, kept in .cache/fuzz
    """;

FileFormat[] formats = [.. WeightFormats.All, .. TextFormats.All, .. ImageFormats.All];
double seconds = 60;
long count = long.MaxValue, seed = 0, replay = -1;
int threads = 1;
var given = new Queue<string>(args);
while (given.TryDequeue(out string? option))
{
    switch (option)
    {
        case "--seconds": seconds = Number(); break;
        case "--count": (count, seconds) = (Number(), double.MaxValue); break;
        case "--seed" when given.TryPeek(out string? value) && value == "random":
            given.Dequeue();
            seed = Random.Shared.Next();
            break;
        case "--seed": seed = Number(); break;
        case "--threads": threads = (int)Number(); break;
        case "--only": formats = Only(); break;
        case "--replay": (formats, replay) = (Only(), Number()); break;
        default:
            Console.Error.WriteLine(help);
            return 2;
    }
}
var run = new FuzzRun(formats, seed, threads);
return replay >= 0 ? run.Replay(formats[0], replay) : run.For(count, seconds);

long Number() => given.TryDequeue(out string? text)
    && long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long n)
    ? n : throw new ArgumentException("A whole number is due behind every option but --only; see --help.");

FileFormat[] Only() => given.TryDequeue(out string? name) && formats.FirstOrDefault(f => f.Name == name) is { } format
    ? [format] : throw new ArgumentException($"A format is one of {string.Join(", ", formats.Select(f => f.Name))}.");
