namespace MlffAd.Kernels;

/// <summary>The losses' constants.</summary>
/// <param name="Alpha">Weight of L_f.</param>
/// <param name="Beta">Weight of L_s.</param>
/// <param name="Xi">Weight of L_fs.</param>
/// <param name="Gamma">Margin of good scores: those above it are penalised.</param>
/// <param name="Lambda">Margin between an anomalous score and the good ones.</param>
/// <param name="PairAll">Compare an anomalous score with every good one instead of with their mean.</param>
/// <param name="Patch">Side of L_fs's patches, in cells; divides the map.</param>
/// <param name="Temperature">τ of L_fs's softmax.</param>
public readonly record struct LossOptions(float Alpha, float Beta, float Xi, float Gamma, float Lambda, bool PairAll,
    int Patch, float Temperature);
