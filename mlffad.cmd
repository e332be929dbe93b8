@echo off
rem Runs mlffad from this repository, building it first when a source is newer than the last build. mlffad --help
setlocal
set "root=%~dp0"
set "bin=%root%src\MlffAd.Cli\bin\Release\net10.0"
where /q dotnet || (echo mlffad: the .NET 10 SDK is needed, and 'dotnet' is not on the PATH. 1>&2 & exit /b 70)
powershell -NoProfile -Command "$b = Get-Item '%bin%\built' -ErrorAction SilentlyContinue; if (-not $b) { exit 1 }; $n = Get-ChildItem '%root%src','%root%kernels','%root%weights','%root%Directory.*.props','%root%global.json' -Recurse | Where-Object { $_.FullName -notmatch '\\(bin|obj)(\\|$)' -and $_.LastWriteTime -gt $b.LastWriteTime } | Select-Object -First 1; if ($n) { exit 1 }"
if errorlevel 1 call :build || exit /b 70
dotnet "%bin%\MlffAd.Cli.dll" %*
exit /b %errorlevel%

:build
echo mlffad: building (a minute the first time) ... 1>&2
dotnet build "%root%src\MlffAd.Cli" -c Release --nologo -v quiet -tl:off 1>&2 || (echo mlffad: the build failed. 1>&2 & exit /b 1)
type nul > "%bin%\built"
exit /b 0
