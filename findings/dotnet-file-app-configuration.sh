#!/usr/bin/env bash
# .NET SDK 10.0.401, file-based programs: `#:property Configuration=Release` in a program's file configures that file
# alone. A project that it refers to with `#:project` is still built as Debug, and the program runs with it: optimised
# code calls unoptimised. `dotnet run -c Release FILE` configures both.
#
# Met where a script that draws photographs took four times as long as the same code called from a project.
#
# Expected output:
#   #:property: the program is Release, the library it refers to is Debug
#   -c Release: the program is Release, the library it refers to is Release
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export HOME=$work/home XDG_DATA_HOME=$work/home DOTNET_CLI_HOME=$work/home DOTNET_NOLOGO=1
mkdir -p "$work/home" "$work/library"
cd "$work"
cat > library/library.csproj <<'X'
<Project Sdk="Microsoft.NET.Sdk">
  <PropertyGroup><TargetFramework>net10.0</TargetFramework></PropertyGroup>
</Project>
X
cat > library/built.cs <<'X'
public static class Library
{
#if DEBUG
    public static string Built => "Debug";
#else
    public static string Built => "Release";
#endif
}
X
cat > body <<'X'
#if DEBUG
string own = "Debug";
#else
string own = "Release";
#endif
System.Console.WriteLine($"the program is {own}, the library it refers to is {Library.Built}");
X
{ printf '#:project library/library.csproj\n#:property Configuration=Release\n'; cat body; } > property.cs
{ printf '#:project library/library.csproj\n'; cat body; } > option.cs
dotnet --version
byProperty=$(dotnet run property.cs) byOption=$(dotnet run -c Release option.cs)
printf '#:property: %s\n-c Release: %s\n' "$byProperty" "$byOption"
[ "$byProperty" = "the program is Release, the library it refers to is Debug" ]
[ "$byOption" = "the program is Release, the library it refers to is Release" ]
