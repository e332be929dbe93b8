namespace MlffAd.Configuration;

/// <summary>Sizes that follow from a configuration (spec §1, §3–§6).</summary>
public static class ConfigSizes
{
    extension(Config config)
    {
        /// <summary>Side M of the feature map, in cells: S/8.</summary>
        public int MapSide => config.ImageSize / 8;

        /// <summary>Cells K of the feature map: M².</summary>
        public int Cells => config.MapSide * config.MapSide;

        /// <summary>Channels that the fusion takes at full side M: [p, t, x] of the texture branch, or [avgpool(f1),
        /// f2] without it.</summary>
        public int TextureChannels =>
            config.Texture.Enabled ? 3 * config.Texture.Width : config.StageChannels(1) + config.StageChannels(2);

        /// <summary>Channels that the fusion takes from side M/2: the self-calibrated module's, or
        /// f3's without it.</summary>
        public int ScChannels => config.Sc.Enabled ? config.Sc.Width : config.StageChannels(3);

        /// <summary>Whether a memory of good parts scores the cells.</summary>
        public bool HasMemory => config.Memory.Size > 0;

        /// <summary>Whether a trained network scores the cells, alone or beside a memory.</summary>
        public bool HasNetwork => !config.HasMemory || config.Memory.Network > 0;

        /// <summary>Whether there are a memory and a network beside it.</summary>
        public bool HasBoth => config.HasMemory && config.HasNetwork;

        /// <summary>The network alone, as it trains.</summary>
        public Config NetworkAlone => config with { Memory = new() };

        /// <summary>Channels of stage <paramref name="stage"/> (1 to 3), whose side is S/4, S/8, S/16.</summary>
        public int StageChannels(int stage) => (4 * config.Backbone.Width) << (stage - 1);
    }
}
