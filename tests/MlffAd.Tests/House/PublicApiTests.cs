using System.Reflection;

namespace MlffAd.Tests.House;

public sealed class PublicApiTests
{
    /// <summary>Beyond eight nobody reads what stands where; a record's constructor is called by name.</summary>
    [Fact]
    public void NoPublicMethodHasMoreThanEightParameters()
    {
        Assembly[] libraries = [typeof(Tensor).Assembly, typeof(Model).Assembly];
        var methods = libraries.SelectMany(library => library.GetExportedTypes()).SelectMany(type => type.GetMethods())
            .Where(method => method.Name != "Deconstruct").ToList();
        Assert.True(methods.Count > 500, $"{methods.Count} methods");
        Assert.DoesNotContain(methods, method => method.GetParameters().Length > 8);
    }
}
