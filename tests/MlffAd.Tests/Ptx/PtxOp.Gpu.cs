namespace MlffAd.Tests.Ptx;

/// <summary>Opcodes, dots written as underscores.</summary>
internal enum PtxOp
{
    mov_f32, mov_f64, mov_b32, mov_b64, mov_pred, cvta_to_global_u64,
    ld_param_b32, ld_param_b64, ld_param_f32, ld_param_f64,
    ld_global_b8, ld_global_b32, ld_global_f32, ld_global_f64, ld_global_v2_f32, ld_global_v4_f32,
    st_global_b8, st_global_b32, st_global_f32, st_global_f64, st_global_v2_f32, st_global_v4_f32,
    ld_shared_b32, ld_shared_f32, ld_shared_f64, ld_shared_v2_f32, ld_shared_v4_f32,
    st_shared_b32, st_shared_f32, st_shared_f64, st_shared_v2_f32, st_shared_v4_f32,
    add_s32, sub_s32, mul_lo_s32, div_s32, rem_s32, min_s32, max_s32, abs_s32, neg_s32, shl_b32, shr_s32, shr_u32,
    and_b32, or_b32, xor_b32, not_b32,
    add_s64, add_u64, sub_s64, min_s64, max_s64, mul_lo_s64, mul_wide_u32, mul_wide_s32, mad_lo_u64, shl_b64,
    add_f32, sub_f32, mul_f32, div_rn_f32, rcp_rn_f32, sqrt_rn_f32, min_f32, max_f32, abs_f32, neg_f32, ex2_approx_f32,
    lg2_approx_f32, testp_notanumber_f32,
    add_f64, sub_f64, mul_f64, mul_rn_f64, div_rn_f64, sqrt_rn_f64, neg_f64, testp_finite_f64,
    and_pred, or_pred, xor_pred, not_pred, selp_b32, selp_b64,
    setp_lt_s32, setp_le_s32, setp_gt_s32, setp_ge_s32, setp_eq_s32, setp_ne_s32, setp_lo_u32, setp_ls_u32,
    setp_hi_u32, setp_hs_u32, setp_eq_u32, setp_ne_u32,
    setp_lt_s64, setp_le_s64, setp_gt_s64, setp_ge_s64, setp_eq_s64, setp_ne_s64,
    setp_lt_f32, setp_le_f32, setp_gt_f32, setp_ge_f32, setp_eq_f32, setp_ne_f32, setp_ltu_f32, setp_leu_f32,
    setp_gtu_f32, setp_geu_f32, setp_equ_f32, setp_neu_f32,
    setp_lt_f64, setp_gt_f64, setp_ge_f64, setp_geu_f64, setp_neu_f64,
    cvt_rn_f32_s32, cvt_rn_f32_u32, cvt_rn_f64_s32, cvt_f64_f32, cvt_rn_f32_f64, cvt_rzi_s32_f32, cvt_rzi_u8_f32,
    cvt_s32_u8, cvt_s64_s32, cvt_u32_u64, cvt_rna_tf32_f32, cvt_rn_bf16x2_f32,
    bra, bra_uni, ret, membar_gl, atom_add_global_u32,
    cp_async_cg_shared_global, cp_async_commit_group, cp_async_wait_group, cp_async_wait_all,
    bar_sync,
    ldmatrix_sync_aligned_m8n8_x4_shared_b16, ldmatrix_sync_aligned_m8n8_x4_trans_shared_b16,
    mma_sync_aligned_m16n8k8_row_col_f32_tf32_tf32_f32, mma_sync_aligned_m16n8k16_row_col_f32_bf16_bf16_f32,
}
