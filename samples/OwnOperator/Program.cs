// Tests an operator of one's own: its gradient against central differences of Σ u·y along random directions v,
// (L(x + hv) − L(x − hv))/2h, which is Σ dx·v with dy = u.
using MlffAd.Kernels.Runtime;

const int Directions = 8;
const float H = 1e-2f;
const double Tolerance = 1e-3;
using var device = Device.Open("cpu");
var shape = new Shape(N: 2, H: 5, W: 5, C: 7);
var random = new Random(1);
float[] x = Numbers(), u = Numbers();

using Tensor input = Tensor.From(device, shape, x, "x"), upstream = Tensor.From(device, shape, u, "dy");
using Tensor gradient = Tensor.Rent(device, shape, "dx"), output = Tensor.Rent(device, shape, "y");
SiLU.Gradient(input, upstream, gradient);
float[] dx = gradient.ToArray();

int right = 0;
for (int i = 0; i < Directions; i++)
{
    float[] v = Numbers();
    double differences = (Loss(H, v) - Loss(-H, v)) / (2 * H), slope = Dot(dx, v);
    // Relative to the size that Σ dx·v has by chance.
    if (Math.Abs(differences - slope) <= Tolerance * Math.Sqrt(Dot(dx, dx) * Dot(v, v) / v.Length)) right++;
}
Console.WriteLine($"OwnOperator: the gradient is that of differences along {right} of {Directions} directions.");
return right == Directions ? 0 : 1;

double Loss(float step, float[] v)
{
    input.Write([.. x.Zip(v, (a, b) => a + step * b)]);
    SiLU.Forward(input, output);
    return Dot(output.ToArray(), u);
}

float[] Numbers() => [.. Enumerable.Range(0, (int)shape.Count).Select(_ => 4 * random.NextSingle() - 2)];

static double Dot(float[] a, float[] b) => a.Zip(b, (p, q) => (double)p * q).Sum();
