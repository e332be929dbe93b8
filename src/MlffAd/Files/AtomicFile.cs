using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;

namespace MlffAd.Files;

/// <summary>Writes a file whole or not at all: into a temporary file of the same folder, flushed to the disk, then
/// renamed. A crash, a full disk or Ctrl-C leaves what was there before.</summary>
/// <remarks>
/// A link is followed, and stays; rights, and where allowed the owner, of what is replaced are kept. A pipe or a
/// device such as a terminal is written to; a disk or a socket is refused. The temporary file is
/// <c>NAME.RANDOM.tmp</c>, locked while it is written; what a killed process left of it is removed, after an hour, by
/// the next that writes
/// NAME.
/// </remarks>
public sealed class AtomicFile : IDisposable
{
    private const int RandomDigits = 16, LongestName = 255, BufferBytes = 1 << 16, ManyFiles = 1000;
    private static readonly TimeSpan LeftBehindAfter = TimeSpan.FromHours(1);

    /// <summary>When folders of many files were last searched for what was left behind: not again for each file, such
    /// as a heat map, that goes there.</summary>
    private static readonly ConcurrentDictionary<string, DateTime> Listed = new();

    private readonly string _path, _target;
    private readonly string? _temporary;
    private readonly Stream _stream;
    private bool _done;

    private AtomicFile(string path)
    {
        _path = path;
        var there = FileStatus.Of(path);
        if (there is { IsSpecial: true }) throw new IOException("It is a disk or a socket");
        if ((StandardStream(path) ?? (there is { IsStream: true } ? Pipes.Open(path) : null)) is { } stream)
        {
            (_target, _stream) = (path, stream);
            return;
        }
        _target = FileIdentity.Followed(path);
        if (Directory.Exists(_target)) throw new IOException("It is a folder");
        (_temporary, _stream) = Temporary(_target);
        there?.GiveTo(_temporary);
    }

    /// <summary>What is written so far.</summary>
    public Stream Stream => _stream;

    /// <summary>Begins to write <paramref name="path"/>; <see cref="Commit"/> ends it, disposing without that leaves
    /// what was there.</summary>
    /// <exception cref="MlffAdException">The folder is missing or read-only, or the disk is full (exit code
    /// 7).</exception>
    public static AtomicFile Create(string path)
    {
        try { return new AtomicFile(path); }
        catch (Exception e) when (IsOfSystem(e)) { throw Failed(path, e); }
    }

    /// <summary>Flushes, and puts the file in its place.</summary>
    /// <exception cref="MlffAdException">The disk is full (exit code 7).</exception>
    public void Commit()
    {
        try
        {
            if (_stream is FileStream file) file.Flush(flushToDisk: _temporary is not null);
            else _stream.Flush();
            _stream.Dispose();
            if (_temporary is not null) File.Move(_temporary, _target, overwrite: true);
            _done = true;
        }
        catch (Exception e) when (IsOfSystem(e)) { throw Failed(_path, e); }
    }

    /// <summary>Removes what was not committed.</summary>
    public void Dispose()
    {
        try { _stream.Dispose(); }
        catch (Exception e) when (IsOfSystem(e)) { }   // what could not be flushed is not wanted any more
        if (!_done && _temporary is not null) Remove(_temporary);
        if (_temporary is not null) RemoveLeftBehind(_target);
    }

    /// <summary>Writes <paramref name="path"/> through <paramref name="write"/>.</summary>
    /// <exception cref="MlffAdException">The folder is missing or read-only, or the disk is full (exit code
    /// 7).</exception>
    public static void Write(string path, Action<Stream> write)
    {
        using var file = Create(path);
        Guarded(path, () => write(file.Stream));
        file.Commit();
    }

    /// <summary>Writes text (UTF-8, no byte-order mark).</summary>
    public static void WriteText(string path, string text) =>
        Write(path, stream => stream.Write(Encoding.UTF8.GetBytes(text)));

    /// <summary>Finds out, before hours are spent, whether a file can be written: its folder is there and takes new
    /// files. A pipe is not opened: closing it again would be end of file to its reader.</summary>
    /// <exception cref="MlffAdException">It cannot (exit code 7).</exception>
    public static void RequireWritable(string path)
    {
        if (FileStatus.Of(path) is { IsStream: true }) return;
        Create(path).Dispose();
    }

    /// <summary>Writes a part of a file.</summary>
    /// <exception cref="MlffAdException">The system does not take it (exit code 7).</exception>
    internal static void Guarded(string path, Action write)
    {
        try { write(); }
        catch (Exception e) when (IsOfSystem(e)) { throw Failed(path, e); }
    }

    /// <summary>The error of a file that cannot be written.</summary>
    internal static MlffAdException Failed(string path, Exception e) => new(ExitCode.Output,
        $"'{path}' cannot be written ({e.Message.TrimEnd('.')}); choose another place or free some space.", e);

    internal static bool IsOfSystem(Exception e) => e is IOException or UnauthorizedAccessException;

    /// <summary>A new file beside the target, with its rights. Nothing that lies under that name is opened, nor a link
    /// followed.</summary>
    private static (string Path, FileStream Stream) Temporary(string target)
    {
        var options = new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.Write,
            Share = FileShare.None,
            BufferSize = BufferBytes,
        };
        if (!OperatingSystem.IsWindows() && File.Exists(target)) options.UnixCreateMode = File.GetUnixFileMode(target);
        string name = Path.GetFileName(target),
            random = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(RandomDigits / 2));
        while (Encoding.UTF8.GetByteCount(name) + RandomDigits + 5 > LongestName) name = name[..^1];
        string path = Path.Combine(Path.GetDirectoryName(target)!, $"{name}.{random}.tmp");
        var stream = new FileStream(path, options);
        // The mask of the process takes rights from new files.
        if (!OperatingSystem.IsWindows() && options.UnixCreateMode is { } mode) File.SetUnixFileMode(path, mode);
        return (path, stream);
    }

    /// <summary>The process's own output, by a name of it: written where the lines before ended, be it a
    /// file.</summary>
    private static Stream? StandardStream(string path) => path switch
    {
        "/dev/stdout" or "/dev/fd/1" or "/proc/self/fd/1" => Console.OpenStandardOutput(),
        "/dev/stderr" or "/dev/fd/2" or "/proc/self/fd/2" => Console.OpenStandardError(),
        _ => null,
    };

    private static void RemoveLeftBehind(string target)
    {
        string folder = Path.GetDirectoryName(target)!, name = Path.GetFileName(target);
        var now = DateTime.UtcNow;
        if (Listed.TryGetValue(folder, out var last) && now < last + LeftBehindAfter) return;
        try
        {
            int files = 0;
            foreach (string path in Directory.EnumerateFiles(folder))
            {
                files++;
                if (IsTemporary(Path.GetFileName(path), name) && new FileInfo(path) is { LinkTarget: null } file
                    && file.LastWriteTimeUtc < now - LeftBehindAfter) Remove(path);
            }
            if (files > ManyFiles) Listed[folder] = now;
        }
        catch (Exception e) when (IsOfSystem(e)) { }   // it is only tidying
    }

    /// <summary>Whether a file is called as a temporary one of another: <c>NAME.</c>, 16 digits of base 16,
    /// <c>.tmp</c>.</summary>
    private static bool IsTemporary(string found, string name) =>
        found.Length == name.Length + RandomDigits + 5 && found.StartsWith(name + '.', StringComparison.Ordinal)
        && found.EndsWith(".tmp", StringComparison.Ordinal)
        && found.AsSpan(name.Length + 1, RandomDigits).IndexOfAnyExcept("0123456789abcdef") < 0;

    /// <summary>Removes a temporary file, unless somebody is writing it.</summary>
    private static void Remove(string temporary)
    {
        try
        {
            new FileStream(path: temporary, mode: FileMode.Open, access: FileAccess.Read, share: FileShare.None,
                bufferSize: 0, options: FileOptions.DeleteOnClose)
            .Dispose();
        }
        catch (Exception e) when (IsOfSystem(e)) { }
    }
}
