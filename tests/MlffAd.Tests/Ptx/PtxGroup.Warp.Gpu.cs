namespace MlffAd.Tests.Ptx;

/// <summary>What the threads of a warp do together.</summary>
internal sealed unsafe partial class PtxGroup
{
    private void Together(int first, in PtxInstruction i)
    {
        switch (i.Do)
        {
            case PtxOp.ldmatrix_sync_aligned_m8n8_x4_shared_b16: LoadMatrices(first, i, across: false); break;
            case PtxOp.ldmatrix_sync_aligned_m8n8_x4_trans_shared_b16: LoadMatrices(first, i, across: true); break;
            case PtxOp.mma_sync_aligned_m16n8k8_row_col_f32_tf32_tf32_f32:
                Multiply(first, i.Operands, terms: 8, each: 1); break;
            case PtxOp.mma_sync_aligned_m16n8k16_row_col_f32_bf16_bf16_f32:
                Multiply(first, i.Operands, terms: 16, each: 2); break;
            default: throw new NotSupportedException(i.Text);
        }
    }

    /// <summary>ldmatrix: thread 8j + i gives the address of matrix j's row i, of eight 16-bit numbers; of matrix j
    /// thread t gets the pair t mod 4 of row t / 4, or, transposed, rows 2·(t mod 4) and the next
    /// of column t / 4.</summary>
    private void LoadMatrices(int first, in PtxInstruction i, bool across)
    {
        ushort* rows = stackalloc ushort[Warp * 8];
        for (int lane = 0; lane < Warp; lane++)
        {
            _at[first + lane] = _at[first];
            void* from = SharedRead(first + lane, i, R(first + lane)[i.Operands[4]], 16);
            new Span<ushort>(from, 8).CopyTo(new Span<ushort>(rows + 8 * lane, 8));
        }
        for (int lane = 0; lane < Warp; lane++)
            for (int j = 0; j < 4; j++)
            {
                ushort* matrix = rows + 64 * j;
                int outer = lane / 4, inner = 2 * (lane % 4);
                U(R(first + lane), i.Operands[j]) = across
                    ? matrix[8 * inner + outer] | (uint)matrix[8 * (inner + 1) + outer] << 16
                    : matrix[8 * outer + inner] | (uint)matrix[8 * outer + inner + 1] << 16;
            }
    }

    /// <summary>mma of 16 × 8 results: with g = t / 4 and i = t mod 4, of A thread t holds in register 0 row g, in 1
    /// row g + 8, terms i (TF32) or 2i and 2i + 1 (BF16), and in 2 and 3 the same of the upper half of the terms; of B
    /// column g with the same terms; of the results rows g and g + 8, columns 2i and 2i + 1.</summary>
    private void Multiply(int first, int[] o, int terms, int each)
    {
        float* a = stackalloc float[16 * 16], b = stackalloc float[16 * 8], sums = stackalloc float[4];
        for (int lane = 0; lane < Warp; lane++)
        {
            ulong* r = R(first + lane);
            int g = lane / 4, i = lane % 4;
            for (int part = 0; part < each; part++)
            {
                for (int j = 0; j < 4; j++)
                    a[(g + 8 * (j % 2)) * 16 + each * i + part + j / 2 * terms / 2] =
                        Operand(U(r, o[4 + j]), each, part);
                for (int j = 0; j < 2; j++)
                    b[(each * i + part + j * terms / 2) * 8 + g] = Operand(U(r, o[8 + j]), each, part);
            }
        }
        for (int lane = 0; lane < Warp; lane++)
        {
            ulong* r = R(first + lane);
            int g = lane / 4, i = lane % 4;
            for (int j = 0; j < 4; j++)
            {
                double sum = F(r, o[10 + j]);
                for (int k = 0; k < terms; k++) sum += (double)a[(g + 8 * (j / 2)) * 16 + k] * b[k * 8 + 2 * i + j % 2];
                sums[j] = (float)sum;
            }
            for (int j = 0; j < 4; j++) F(r, o[j]) = sums[j];
        }
    }

    /// <summary>TF32's lower 13 bits are not looked at; BF16 is a float's upper half.</summary>
    private static float Operand(uint bits, int each, int part) =>
        BitConverter.UInt32BitsToSingle(each == 1 ? bits & 0xFFFFE000 : part == 0 ? bits << 16 : bits & 0xFFFF0000);

    private ulong* R(int thread) => _files + thread * _registers;

    /// <summary>Rounded to 10 mantissa bits, half away from zero.</summary>
    private static uint ToTf32(float v)
    {
        uint bits = BitConverter.SingleToUInt32Bits(v);
        return float.IsFinite(v) ? bits + 0x1000 & 0xFFFFE000 : float.IsNaN(v) ? 0x7FFFFFFF : bits;
    }

    /// <summary>Rounded to 7 mantissa bits, half to even.</summary>
    private static uint ToBf16(float v)
    {
        uint bits = BitConverter.SingleToUInt32Bits(v);
        return float.IsNaN(v) ? 0x7FFF : bits + 0x7FFF + (bits >> 16 & 1) >> 16;
    }
}
