namespace MlffAd.Tests.Training;

public sealed class TrainingLogWriterTests
{
    [Fact]
    public void ADamagedLogIsGoneOnWithFromItsGoodLines()
    {
        string path = Path.GetTempFileName();
        File.WriteAllLines(path,
        [
            """{"step":1}""", """{"step":1.5}""", """{"step":1e30}""", """{"step":"2"}""",
            """{"step":9223372036854775808}""", """{"\ud800":1}""", "[]", "", """{"step":2}""", """{"step":3}""",
            """{"st""",
        ]);
        new TrainingLogWriter(path, earlier: path, firstStep: 2, _ => { }).Dispose();
        Assert.Equal(["""{"step":1}""", """{"step":2}"""], File.ReadAllLines(path));
        File.Delete(path);
    }
}
