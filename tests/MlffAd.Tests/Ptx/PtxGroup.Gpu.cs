using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using ILGPU;

namespace MlffAd.Tests.Ptx;

/// <summary>Runs groups of a kernel's launch, one after the other.</summary>
internal sealed unsafe partial class PtxGroup : IDisposable
{
    private const int Warp = 32;

    private readonly string _name;
    private readonly PtxInstruction[] _code;
    private readonly int _threads, _registers;
    private readonly ulong* _files;
    private readonly byte[] _parameters;
    private readonly (ulong Begin, ulong End)[] _views;
    private readonly int[] _lastView;
    private readonly Index3D _groups;
    private readonly int[] _at;
    private readonly State[] _states;
    private readonly SharedWords _shared;
    private readonly PtxMeter? _meter;
    private readonly PtxMeter.Group? _allNotes;
    private PtxMeter.Group? _notes;
    private int _runs;
    private readonly Queue<(int At, int Size, int Bytes, ulong Source)>[] _copies;
    private readonly Queue<int>[] _committed;

    private enum State
    {
        Ready,
        AtWarp,
        AtBarrier,
        Done,
    }

    public PtxGroup(string name, PtxProgram program, byte[] parameters, List<(ulong, ulong)> views, int threads,
        Index3D groups, PtxMeter? meter)
    {
        (_name, _code, _threads, _parameters, _views, _groups) =
            (name, program.Code, threads, parameters, [.. views], groups);
        ulong[] registers = program.Registers;
        _registers = registers.Length;
        _files = (ulong*)NativeMemory.Alloc((nuint)(threads * _registers), sizeof(ulong));
        for (int t = 0; t < threads; t++) registers.CopyTo(new Span<ulong>(_files + t * _registers, _registers));
        (_at, _states, _lastView, _shared) =
            (new int[threads], new State[threads], new int[_code.Length], new SharedWords(program.SharedBytes));
        (_meter, _allNotes) = (meter, meter is null ? null : new PtxMeter.Group(meter, name, _code.Length, threads));
        _copies = [.. Enumerable.Range(0, threads).Select(_ => new Queue<(int, int, int, ulong)>())];
        _committed = [.. Enumerable.Range(0, threads).Select(_ => new Queue<int>())];
    }

    public void Dispose() => NativeMemory.Free(_files);

    /// <summary>Runs the group at a place of the grid.</summary>
    public void Run(int x, int y, int z)
    {
        for (int t = 0; t < _threads; t++)
        {
            (_at[t], _states[t]) = (0, State.Ready);
            ReadOnlySpan<int> specials = [t, x, y, z, _threads, _groups.X, _groups.Y, _groups.Z];
            for (int i = 0; i < specials.Length; i++) _files[t * _registers + i] = (uint)specials[i];
        }
        _shared.Begin();
        _notes = _meter is { } meter && _runs++ % meter.Every == 0 ? _allNotes : null;
        while (_states.AsSpan().ContainsAnyExcept(State.Done))
        {
            for (int first = 0; first < _threads; first += Warp) RunWarp(first);
            if (_states.Contains(State.AtBarrier))
            {
                int other = Array.FindIndex(_states, s => s != State.AtBarrier);
                if (other >= 0)
                    throw Fault(Array.IndexOf(_states, State.AtBarrier),
                        $"not all threads come to the barrier: thread {other} has ended");
                for (int t = 0; t < _threads; t++)
                    if (_at[t] != _at[t / Warp * Warp]) throw Fault(t, "the warp's threads wait at different barriers");
                _shared.Barrier();
                Array.Fill(_states, State.Ready);
            }
        }
        if (_copies.Any(c => c.Count > 0)) throw Fault(0, "the group ends before copies that it asked for");
        _notes?.Add();
    }

    private void RunWarp(int first)
    {
        while (true)
        {
            for (int t = first; t < first + Warp; t++)
                if (_states[t] == State.Ready) RunThread(t);
            var states = _states.AsSpan(first, Warp);
            if (!states.Contains(State.AtWarp)) return;
            int at = _at[first];
            if (states.ContainsAnyExcept(State.AtWarp) || _at.AsSpan(first, Warp).ContainsAnyExcept(at))
                throw Fault(first + states.IndexOf(State.AtWarp), "not all threads of the warp come here together");
            Together(first, _code[at]);
            for (int t = first; t < first + Warp; t++) (_states[t], _at[t]) = (State.Ready, at + 1);
        }
    }

    private PtxFault Fault(int thread, string what) =>
        new(
            $"{_name}: {what}. Thread {thread} of group ({_files[thread * _registers + 1]}, "
                + $"{_files[thread * _registers + 2]}, {_files[thread * _registers + 3]}) at "
                + $"'{_code[Math.Min(_at[thread], _code.Length - 1)].Text}'.");

    /// <summary>Runs a thread to the next barrier, to an instruction of the whole warp, or to its end.</summary>
    private void RunThread(int thread)
    {
        ulong* r = _files + thread * _registers;
        int at = _at[thread];
        while (true)
        {
            ref readonly var i = ref _code[at];
            _at[thread] = at++;
            if (i.Guard >= 0 && (U(r, i.Guard) != 0) == i.IsNegated) continue;
            switch (i.Do)
            {
                case PtxOp.mov_f32 or PtxOp.mov_f64 or PtxOp.mov_b32 or PtxOp.mov_b64 or PtxOp.mov_pred
                    or PtxOp.cvta_to_global_u64:
                    r[i.A] = r[i.B];
                    break;
                case PtxOp.ld_param_b32 or PtxOp.ld_param_f32:
                    U(r, i.A) = BitConverter.ToUInt32(_parameters, i.Offset); break;
                case PtxOp.ld_param_b64 or PtxOp.ld_param_f64:
                    r[i.A] = BitConverter.ToUInt64(_parameters, i.Offset);
                    break;

                case PtxOp.ld_global_b8: U(r, i.A) = *(byte*)Global(thread, i, r[i.B], 1); break;
                case PtxOp.ld_global_b32 or PtxOp.ld_global_f32:
                    U(r, i.A) = *(uint*)Global(thread, i, r[i.B], 4); break;
                case PtxOp.ld_global_f64: r[i.A] = *(ulong*)Global(thread, i, r[i.B], 8); break;
                case PtxOp.ld_global_v2_f32: Load(r, i.Operands, 2, Global(thread, i, r[i.C], 8)); break;
                case PtxOp.ld_global_v4_f32: Load(r, i.Operands, 4, Global(thread, i, r[i.Operands[4]], 16)); break;
                case PtxOp.st_global_b8: *(byte*)Global(thread, i, r[i.A], 1) = (byte)r[i.B]; break;
                case PtxOp.st_global_b32 or PtxOp.st_global_f32:
                    *(uint*)Global(thread, i, r[i.A], 4) = U(r, i.B); break;
                case PtxOp.st_global_f64: *(ulong*)Global(thread, i, r[i.A], 8) = r[i.B]; break;
                case PtxOp.st_global_v2_f32: Store(r, i.Operands, 2, Global(thread, i, r[i.A], 8)); break;
                case PtxOp.st_global_v4_f32: Store(r, i.Operands, 4, Global(thread, i, r[i.A], 16)); break;
                case PtxOp.atom_add_global_u32:
                    uint* counter = (uint*)Global(thread, i, r[i.B], 4);
                    U(r, i.A) = Interlocked.Add(ref *counter, U(r, i.C)) - U(r, i.C);
                    break;

                case PtxOp.ld_shared_b32 or PtxOp.ld_shared_f32:
                    U(r, i.A) = *(uint*)SharedRead(thread, i, r[i.B], 4); break;
                case PtxOp.ld_shared_f64: r[i.A] = *(ulong*)SharedRead(thread, i, r[i.B], 8); break;
                case PtxOp.ld_shared_v2_f32: Load(r, i.Operands, 2, SharedRead(thread, i, r[i.C], 8)); break;
                case PtxOp.ld_shared_v4_f32: Load(r, i.Operands, 4, SharedRead(thread, i, r[i.Operands[4]], 16)); break;
                case PtxOp.st_shared_b32 or PtxOp.st_shared_f32: SharedWrite(thread, i, r, 1); break;
                case PtxOp.st_shared_f64: SharedWrite(thread, i, r[i.A], (uint*)(r + i.B), 2); break;
                case PtxOp.st_shared_v2_f32: SharedWrite(thread, i, r, 2); break;
                case PtxOp.st_shared_v4_f32: SharedWrite(thread, i, r, 4); break;
                case PtxOp.cp_async_cg_shared_global:
                    Copy(thread, i, (int)r[i.A], r[i.B], (int)U(r, i.C), I(r, i.D)); break;
                case PtxOp.cp_async_commit_group: _committed[thread].Enqueue(_copies[thread].Count); break;
                case PtxOp.cp_async_wait_group: Wait(thread, I(r, i.A)); break;
                case PtxOp.cp_async_wait_all: Wait(thread, -1); break;

                case PtxOp.add_s32: I(r, i.A) = I(r, i.B) + I(r, i.C); break;
                case PtxOp.sub_s32: I(r, i.A) = I(r, i.B) - I(r, i.C); break;
                case PtxOp.mul_lo_s32: I(r, i.A) = I(r, i.B) * I(r, i.C); break;
                case PtxOp.div_s32:
                    I(r, i.A) = I(r, i.C) == 0 ? throw Fault(thread, "a division by 0") : I(r, i.B) / I(r, i.C); break;
                case PtxOp.rem_s32:
                    I(r, i.A) = I(r, i.C) == 0 ? throw Fault(thread, "a division by 0") : I(r, i.B) % I(r, i.C); break;
                case PtxOp.min_s32: I(r, i.A) = Math.Min(I(r, i.B), I(r, i.C)); break;
                case PtxOp.max_s32: I(r, i.A) = Math.Max(I(r, i.B), I(r, i.C)); break;
                case PtxOp.abs_s32: I(r, i.A) = Math.Abs(I(r, i.B)); break;
                case PtxOp.neg_s32: I(r, i.A) = -I(r, i.B); break;
                case PtxOp.shl_b32: U(r, i.A) = U(r, i.C) > 31 ? 0 : U(r, i.B) << I(r, i.C); break;
                case PtxOp.shr_s32: I(r, i.A) = I(r, i.B) >> (int)Math.Min(U(r, i.C), 31); break;
                case PtxOp.shr_u32: U(r, i.A) = U(r, i.C) > 31 ? 0 : U(r, i.B) >> I(r, i.C); break;
                case PtxOp.and_b32 or PtxOp.and_pred: U(r, i.A) = U(r, i.B) & U(r, i.C); break;
                case PtxOp.or_b32 or PtxOp.or_pred: U(r, i.A) = U(r, i.B) | U(r, i.C); break;
                case PtxOp.xor_b32 or PtxOp.xor_pred: U(r, i.A) = U(r, i.B) ^ U(r, i.C); break;
                case PtxOp.not_b32: U(r, i.A) = ~U(r, i.B); break;
                case PtxOp.not_pred: U(r, i.A) = U(r, i.B) ^ 1; break;
                case PtxOp.add_s64 or PtxOp.add_u64: r[i.A] = r[i.B] + r[i.C]; break;
                case PtxOp.sub_s64: r[i.A] = r[i.B] - r[i.C]; break;
                case PtxOp.min_s64: r[i.A] = (ulong)Math.Min((long)r[i.B], (long)r[i.C]); break;
                case PtxOp.max_s64: r[i.A] = (ulong)Math.Max((long)r[i.B], (long)r[i.C]); break;
                case PtxOp.mul_lo_s64: r[i.A] = r[i.B] * r[i.C]; break;
                case PtxOp.mul_wide_u32: r[i.A] = (ulong)U(r, i.B) * U(r, i.C); break;
                case PtxOp.mul_wide_s32: r[i.A] = (ulong)((long)I(r, i.B) * I(r, i.C)); break;
                case PtxOp.mad_lo_u64: r[i.A] = r[i.B] * r[i.C] + r[i.D]; break;
                case PtxOp.shl_b64: r[i.A] = U(r, i.C) > 63 ? 0 : r[i.B] << I(r, i.C); break;

                case PtxOp.add_f32: F(r, i.A) = F(r, i.B) + F(r, i.C); break;
                case PtxOp.sub_f32: F(r, i.A) = F(r, i.B) - F(r, i.C); break;
                case PtxOp.mul_f32: F(r, i.A) = F(r, i.B) * F(r, i.C); break;
                case PtxOp.div_rn_f32: F(r, i.A) = F(r, i.B) / F(r, i.C); break;
                case PtxOp.rcp_rn_f32: F(r, i.A) = 1 / F(r, i.B); break;
                case PtxOp.sqrt_rn_f32: F(r, i.A) = MathF.Sqrt(F(r, i.B)); break;
                case PtxOp.min_f32: F(r, i.A) = float.MinNumber(F(r, i.B), F(r, i.C)); break;
                case PtxOp.max_f32: F(r, i.A) = float.MaxNumber(F(r, i.B), F(r, i.C)); break;
                case PtxOp.abs_f32: F(r, i.A) = MathF.Abs(F(r, i.B)); break;
                case PtxOp.neg_f32: F(r, i.A) = -F(r, i.B); break;
                case PtxOp.ex2_approx_f32: F(r, i.A) = (float)Math.Pow(2, F(r, i.B)); break;
                case PtxOp.lg2_approx_f32: F(r, i.A) = (float)Math.Log2(F(r, i.B)); break;
                case PtxOp.testp_notanumber_f32: Set(r, i.A, float.IsNaN(F(r, i.B))); break;

                case PtxOp.add_f64: D(r, i.A) = D(r, i.B) + D(r, i.C); break;
                case PtxOp.sub_f64: D(r, i.A) = D(r, i.B) - D(r, i.C); break;
                case PtxOp.mul_f64 or PtxOp.mul_rn_f64: D(r, i.A) = D(r, i.B) * D(r, i.C); break;
                case PtxOp.div_rn_f64: D(r, i.A) = D(r, i.B) / D(r, i.C); break;
                case PtxOp.sqrt_rn_f64: D(r, i.A) = Math.Sqrt(D(r, i.B)); break;
                case PtxOp.neg_f64: D(r, i.A) = -D(r, i.B); break;
                case PtxOp.testp_finite_f64: Set(r, i.A, double.IsFinite(D(r, i.B))); break;

                case PtxOp.selp_b32 or PtxOp.selp_b64: r[i.A] = U(r, i.D) != 0 ? r[i.B] : r[i.C]; break;
                case PtxOp.setp_lt_s32: Set(r, i.A, I(r, i.B) < I(r, i.C)); break;
                case PtxOp.setp_le_s32: Set(r, i.A, I(r, i.B) <= I(r, i.C)); break;
                case PtxOp.setp_gt_s32: Set(r, i.A, I(r, i.B) > I(r, i.C)); break;
                case PtxOp.setp_ge_s32: Set(r, i.A, I(r, i.B) >= I(r, i.C)); break;
                case PtxOp.setp_eq_s32 or PtxOp.setp_eq_u32: Set(r, i.A, U(r, i.B) == U(r, i.C)); break;
                case PtxOp.setp_ne_s32 or PtxOp.setp_ne_u32: Set(r, i.A, U(r, i.B) != U(r, i.C)); break;
                case PtxOp.setp_lo_u32: Set(r, i.A, U(r, i.B) < U(r, i.C)); break;
                case PtxOp.setp_ls_u32: Set(r, i.A, U(r, i.B) <= U(r, i.C)); break;
                case PtxOp.setp_hi_u32: Set(r, i.A, U(r, i.B) > U(r, i.C)); break;
                case PtxOp.setp_hs_u32: Set(r, i.A, U(r, i.B) >= U(r, i.C)); break;
                case PtxOp.setp_lt_s64: Set(r, i.A, (long)r[i.B] < (long)r[i.C]); break;
                case PtxOp.setp_le_s64: Set(r, i.A, (long)r[i.B] <= (long)r[i.C]); break;
                case PtxOp.setp_gt_s64: Set(r, i.A, (long)r[i.B] > (long)r[i.C]); break;
                case PtxOp.setp_ge_s64: Set(r, i.A, (long)r[i.B] >= (long)r[i.C]); break;
                case PtxOp.setp_eq_s64: Set(r, i.A, r[i.B] == r[i.C]); break;
                case PtxOp.setp_ne_s64: Set(r, i.A, r[i.B] != r[i.C]); break;
                case PtxOp.setp_lt_f32: Set(r, i.A, F(r, i.B) < F(r, i.C)); break;
                case PtxOp.setp_le_f32: Set(r, i.A, F(r, i.B) <= F(r, i.C)); break;
                case PtxOp.setp_gt_f32: Set(r, i.A, F(r, i.B) > F(r, i.C)); break;
                case PtxOp.setp_ge_f32: Set(r, i.A, F(r, i.B) >= F(r, i.C)); break;
                case PtxOp.setp_eq_f32: Set(r, i.A, F(r, i.B) == F(r, i.C)); break;
                case PtxOp.setp_neu_f32: Set(r, i.A, !(F(r, i.B) == F(r, i.C))); break;
                case PtxOp.setp_ltu_f32: Set(r, i.A, !(F(r, i.B) >= F(r, i.C))); break;
                case PtxOp.setp_leu_f32: Set(r, i.A, !(F(r, i.B) > F(r, i.C))); break;
                case PtxOp.setp_gtu_f32: Set(r, i.A, !(F(r, i.B) <= F(r, i.C))); break;
                case PtxOp.setp_geu_f32: Set(r, i.A, !(F(r, i.B) < F(r, i.C))); break;
                case PtxOp.setp_ne_f32: Set(r, i.A, F(r, i.B) < F(r, i.C) || F(r, i.B) > F(r, i.C)); break;
                case PtxOp.setp_equ_f32: Set(r, i.A, !(F(r, i.B) < F(r, i.C) || F(r, i.B) > F(r, i.C))); break;

                case PtxOp.setp_lt_f64: Set(r, i.A, D(r, i.B) < D(r, i.C)); break;
                case PtxOp.setp_gt_f64: Set(r, i.A, D(r, i.B) > D(r, i.C)); break;
                case PtxOp.setp_ge_f64: Set(r, i.A, D(r, i.B) >= D(r, i.C)); break;
                case PtxOp.setp_geu_f64: Set(r, i.A, !(D(r, i.B) < D(r, i.C))); break;
                case PtxOp.setp_neu_f64: Set(r, i.A, !(D(r, i.B) == D(r, i.C))); break;

                case PtxOp.cvt_rn_f32_s32: F(r, i.A) = I(r, i.B); break;
                case PtxOp.cvt_rn_f32_u32: F(r, i.A) = U(r, i.B); break;
                case PtxOp.cvt_rn_f64_s32: D(r, i.A) = I(r, i.B); break;
                case PtxOp.cvt_f64_f32: D(r, i.A) = F(r, i.B); break;
                case PtxOp.cvt_rn_f32_f64: F(r, i.A) = (float)D(r, i.B); break;
                case PtxOp.cvt_rzi_s32_f32: I(r, i.A) = (int)F(r, i.B); break;   // saturates, NaN to 0, as PTX does
                case PtxOp.cvt_rzi_u8_f32: U(r, i.A) = (byte)Math.Clamp(F(r, i.B), 0, 255); break;
                case PtxOp.cvt_s32_u8: U(r, i.A) = (byte)U(r, i.B); break;
                case PtxOp.cvt_s64_s32: r[i.A] = (ulong)(long)I(r, i.B); break;
                case PtxOp.cvt_u32_u64: U(r, i.A) = (uint)r[i.B]; break;
                case PtxOp.cvt_rna_tf32_f32: U(r, i.A) = ToTf32(F(r, i.B)); break;
                case PtxOp.cvt_rn_bf16x2_f32: U(r, i.A) = ToBf16(F(r, i.B)) << 16 | ToBf16(F(r, i.C)); break;

                case PtxOp.bra or PtxOp.bra_uni: at = i.Offset; break;
                case PtxOp.membar_gl: break;
                case PtxOp.ret:
                    Stop(State.Done);
                    return;
                case PtxOp.bar_sync:
                    Stop(State.AtBarrier);
                    return;
                default:
                    at--;
                    Stop(State.AtWarp);
                    return;
            }
        }

        void Stop(State state) => (_states[thread], _at[thread]) = (state, at);
    }
}
