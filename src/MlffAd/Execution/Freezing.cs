namespace MlffAd.Execution;

/// <summary>What <c>train.freeze</c> keeps as it is (spec §8): weights, scales and shifts of a part.</summary>
public static class Freezing
{
    extension(TrainConfig train)
    {
        /// <summary>Whether a parameter does not train.</summary>
        public bool Freezes(Parameter parameter) => train.Freeze switch
        {
            Freeze.Backbone => parameter.IsBackbone,
            Freeze.Stem => parameter.Part == NetworkPart.Stem,
            _ => false,
        };
    }
}
