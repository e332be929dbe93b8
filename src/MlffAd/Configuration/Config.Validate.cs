namespace MlffAd.Configuration;

public sealed partial record Config
{
    /// <summary>Refuses what does not fit together, and values out of range however they came in.</summary>
    /// <returns>This configuration.</returns>
    /// <exception cref="MlffAdException">A sentence that names the keys (exit code 2).</exception>
    public Config Validate()
    {
        foreach (var key in Keys) key.Parse(Get(key.Name));
        int m = this.MapSide;
        foreach (int s in Texture.Scales)
            Refuse(m % s != 0,
                $"texture.scales has {s}, which does not divide the feature map's side imageSize/8 = {m}; take "
                    + $"divisors of it.");
        Refuse(Texture.Scales.Distinct().Count() != Texture.Scales.Length,
            "texture.scales names a scale twice; name each once.");
        Refuse(m % Loss.Patch != 0,
            $"loss.patch {Loss.Patch} does not divide the feature map's side imageSize/8 = {m}; take a divisor of it.");
        Refuse(m / 2 % Sc.Pool != 0,
            $"sc.pool {Sc.Pool} does not divide stage 3's side imageSize/16 = {m / 2}; take a divisor of it.");
        Refuse(Texture is { Levels: LevelPositions.Paper, Band: Band.Spacing },
            "texture.band spacing would put the smallest and the largest similarity on the edge of a level with "
                + "texture.levels paper; take levels centre, or band half or absolute.");
        Refuse(Loss is { Alpha: 0, Beta: 0, Xi: 0 },
            "loss.alpha, loss.beta and loss.xi are all 0, so there is nothing to learn; set one above 0.");
        Refuse(Train.PseudoRatio > 0 && Synth is { Confetti.Weight: 0, Cutpaste.Weight: 0, Scar.Weight: 0 },
            "All weights under synth are 0 but train.pseudoRatio asks for pseudo anomalies; set a weight above 0.");
        Refuse(!Memory.From.SequenceEqual(Memory.From.Distinct().Order()),
            "memory.from names each stage once, the lowest first, such as 2,3.");
        Refuse(Memory.Size > Memory.Candidates,
            $"memory.size {Memory.Size} is more than the {Memory.Candidates} of memory.candidates that it is "
                + "chosen from; take more of these.");
        Refuse(Memory.Readout > m * m,
            $"memory.readout {Memory.Readout} is more than the map's {m * m} cells; take fewer.");
        Refuse(this.HasBoth && Train is not { Freeze: Freeze.Backbone, Bn: BnMode.Frozen },
            "memory.network is above 0: the network beside a memory has its backbone, which must not train; set "
                + "train.freeze backbone and train.bn frozen, or memory.size 0 for the network alone.");
        Refuse(this.HasBoth && Train.Holdout == 0,
            "memory.network is above 0: without images held out (train.holdout 0) nothing tells what the network is "
                + "worth; hold some out, or set memory.size 0 for the network alone.");
        return this;
    }

    private static void Refuse(bool refused, string why)
    {
        if (refused) throw new MlffAdException(ExitCode.Usage, why);
    }
}
