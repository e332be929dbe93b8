namespace MlffAd.Verification;

internal static partial class OperatorRunners
{
    private static void Normalise(OperatorCase c)
    {
        bool training = c.Flag("training");
        float eps = c.Number("eps"), momentum = c.Number("momentum");
        var f = c.Flag("relu") ? Activation.ReLU : Activation.None;
        var (x, gamma, beta, runningMean, runningVariance) =
            (c.Input("x"), c.Input("gamma"), c.Input("beta"), c.Input("running_mean"), c.Input("running_var"));
        var residual = c.Has("residual") ? c.Input("residual") : null;
        var (y, mean, variance) =
            (c.Rent("y"), training ? c.Rent("gamma") : runningMean, training ? c.Rent("gamma") : runningVariance);
        if (training) BatchNorm.Statistics(x, mean, variance);
        var vectors = new BatchNorm.Vectors(mean, variance, gamma, beta) { Eps = eps };
        BatchNorm.Apply(x, vectors, y, residual, f);
        var (dx, dgamma, dbeta, dresidual) =
            (c.Rent("x"), c.Rent("gamma"), c.Rent("beta"), residual is null ? null : c.Rent("residual"));
        var maps = new BatchNorm.Maps(x, y, c.Input("d_y")) { Dx = dx, Dresidual = dresidual };
        BatchNorm.Gradient(maps, vectors, dgamma, dbeta, f, frozen: !training);
        if (training)
        {
            var rows = c.Rent("gamma");
            Pointwise.Fill(rows, BatchNorm.Mean);
            BatchNorm.UpdateRunning(mean, rows, x.Shape.N, runningMean, momentum);
            Pointwise.Fill(rows, x.Shape.Area);
            BatchNorm.UpdateRunning(variance, rows, x.Shape.N, runningVariance, momentum);
        }
        c.Result("y", y);
        c.Result("running_mean_after", runningMean);
        c.Result("running_var_after", runningVariance);
        c.Result("d_x", dx);
        c.Result("d_gamma", dgamma);
        c.Result("d_beta", dbeta);
        if (dresidual is not null) c.Result("d_residual", dresidual);
    }

    private static void Loss(OperatorCase c)
    {
        var F = c.Input("F");
        Shape cells = F.Shape.WithC(1);
        Tensor S = c.Input("S", cells), labels = c.Rent(cells, "y");
        Tensor values = c.Rent(Shape.Of(4), "values");
        Tensor dF = c.Rent("F"), dS = c.Rent(cells, "dS");
        labels.Write(Array.ConvertAll(c.Labels("y"), y => (float)y));
        var o = new LossOptions(Alpha: c.Number("alpha"), Beta: c.Number("beta"), Xi: c.Number("xi"),
            Gamma: c.Number("gamma"), Lambda: c.Number("lambda"), PairAll: c.Word("pairing") == "all",
            Patch: c.Int("patch"), Temperature: c.Number("temperature"));
        Losses.Evaluate(F, S, labels, o, values, dF, dS, c.Input("d_total").ToArray()[0]);
        string[] names = ["total", "lf", "ls", "lfs"];
        for (int i = 0; i < names.Length; i++) c.Result(names[i], values.Slice(i, 1));
        c.Result("d_F", dF);
        c.Result("d_S", dS);
    }

    private static void Descend(OperatorCase c)
    {
        Tensor w = c.Input("w"), v = c.Input("v"), clip = c.Rent(Shape.Of(2), "clip");
        clip.Write([0, 1]);
        for (int i = 0; i < c.Int("steps"); i++)
            Sgd.Step(w, v, c.Input($"g{i}"), [new(0, w.C, c.Number("weightDecay"))], c.Number("lr"),
                c.Number("momentum"), clip);
        c.Result("w_after", w);
        c.Result("v_after", v);
    }
}
