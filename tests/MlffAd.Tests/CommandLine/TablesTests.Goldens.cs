namespace MlffAd.Tests.CommandLine;

public sealed partial class TablesTests
{
    private const string Goldens = """
== plan 80
────────────────────────────────────────────────────────────────────────────────
 step                                           MFLOP        ms  GFLOP/s   GB/s
────────────────────────────────────────────────────────────────────────────────
 backbone.conv1                                 308.3     1.294      238    3.9
 texture.ptfem.out.part·texture.ptfem.s1.f4.  16384.0  1000.001     1234  999.9
 all                                          16692.3  1001.295     1000    1.0
────────────────────────────────────────────────────────────────────────────────
Left out: #, kernel, result, at MiB, MB. A wider terminal shows them, and so
does a file.
== plan 100
─────────────────────────────────────────────────────────────────────────────────────────────────
 #  step                                         kernel                                       ms
─────────────────────────────────────────────────────────────────────────────────────────────────
 1  backbone.conv1                               convolution                               1.294
 2  texture.ptfem.out.part·texture.ptfem.s1.f4.  quantization.cosine.product.winograd4  1000.001
    all                                                                                 1001.295
─────────────────────────────────────────────────────────────────────────────────────────────────
Left out: result, at MiB, MFLOP, MB, GFLOP/s, GB/s. A wider terminal shows them, and so does a file.
== plan 120
───────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
 step                                         kernel                                   MFLOP        ms  GFLOP/s   GB/s
───────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
 backbone.conv1                               convolution                              308.3     1.294      238    3.9
 texture.ptfem.out.part·texture.ptfem.s1.f4.  quantization.cosine.product.winograd4  16384.0  1000.001     1234  999.9
 all                                                                                 16692.3  1001.295     1000    1.0
───────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
Left out: #, result, at MiB, MB. A wider terminal shows them, and so does a file.
== profile 80
─────────────────────────────────────────────────────────────────────────────
 kernel                       calls      ms   share  GFLOP/s  GB/s        of
                                                                    roofline
─────────────────────────────────────────────────────────────────────────────
 convolution.gradient.weight     42  17.400   26.7%       50   2.7       23%
 all                            287  19.262  100.0%       24   3.5       16%
─────────────────────────────────────────────────────────────────────────────
Left out: GFLOP, MB. A wider terminal shows them, and so does a file.
== profile 100
───────────────────────────────────────────────────────────────────────────────────────────────
 kernel                       calls      ms   share    GFLOP       MB  GFLOP/s  GB/s        of
                                                                                      roofline
───────────────────────────────────────────────────────────────────────────────────────────────
 convolution.gradient.weight     42  17.400   26.7%  1234.16      8.5       50   2.7       23%
 all                            287  19.262  100.0%  1234.47  12345.1       24   3.5       16%
───────────────────────────────────────────────────────────────────────────────────────────────
== profile 120
───────────────────────────────────────────────────────────────────────────────────────────────
 kernel                       calls      ms   share    GFLOP       MB  GFLOP/s  GB/s        of
                                                                                      roofline
───────────────────────────────────────────────────────────────────────────────────────────────
 convolution.gradient.weight     42  17.400   26.7%  1234.16      8.5       50   2.7       23%
 all                            287  19.262  100.0%  1234.47  12345.1       24   3.5       16%
───────────────────────────────────────────────────────────────────────────────────────────────
== ptx 80
────────────────────────────────────────────────────────────────────────────────
 kernel                                               training  scoring  shared
────────────────────────────────────────────────────────────────────────────────
 product: TiledProduct<ReachingOutputs, TapWeights,         37             8704
 Identity, Stored>.Body
 pointwise.wide:                                             4        1
 Pointwise.Body<Differentiated<LeakyReLU>,
 FourChannels, Four>
 all                                                       338       77
────────────────────────────────────────────────────────────────────────────────
Left out: threads, mma.sync, cp.async, 16 bytes, float atomics, local. A wider
terminal shows them, and so does a file.
== ptx 100
────────────────────────────────────────────────────────────────────────────────────────────────────
 kernel                                           training  scoring  shared  mma.sync     16  local
                                                                                       bytes
────────────────────────────────────────────────────────────────────────────────────────────────────
 product: TiledProduct<ReachingOutputs,                 37             8704        16      4
 TapWeights, Identity, Stored>.Body
 pointwise.wide:                                         4        1                        5      9
 Pointwise.Body<Differentiated<LeakyReLU>,
 FourChannels, Four>
 all                                                   338       77
────────────────────────────────────────────────────────────────────────────────────────────────────
Left out: threads, cp.async, float atomics. A wider terminal shows them, and so does a file.
== ptx 120
────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
 kernel                                            training  scoring  threads  shared  mma.sync  cp.async     16  local
                                                                                                           bytes
────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
 product: TiledProduct<ReachingOutputs,                  37               256    8704        16         8      4
 TapWeights, Identity, Stored>.Body
 pointwise.wide:                                          4        1      256                                  5      9
 Pointwise.Body<Differentiated<LeakyReLU>,
 FourChannels, Four>
 all                                                    338       77
────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
Left out: float atomics. A wider terminal shows them, and so does a file.
== evaluate 80
────────────────────────────────────────────────────────────────────────────────
 kind                   images  flagged   image      AP  F1-max   pixel     PRO
                                          AUROC                   AUROC
────────────────────────────────────────────────────────────────────────────────
 good                        1        0       -       -       -       -       -
 scratches on the            1        1  1.0000  1.0000  1.0000  1.0000  1.0000
 housing, left of the
 second screw
 all                         2        1  1.0000  1.0000  1.0000  1.0000  1.0000
────────────────────────────────────────────────────────────────────────────────
Left out: pixel AP. A wider terminal shows them, and so does a file.
== evaluate 100
────────────────────────────────────────────────────────────────────────────────────────────────────
 kind                               images  flagged   image      AP  F1-max   pixel      AP     PRO
                                                      AUROC                   AUROC
────────────────────────────────────────────────────────────────────────────────────────────────────
 good                                    1        0       -       -       -       -       -       -
 scratches on the housing, left of       1        1  1.0000  1.0000  1.0000  1.0000  1.0000  1.0000
 the second screw
 all                                     2        1  1.0000  1.0000  1.0000  1.0000  1.0000  1.0000
────────────────────────────────────────────────────────────────────────────────────────────────────
== evaluate 120
─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
 kind                                                images  flagged   image      AP  F1-max   pixel      AP     PRO
                                                                       AUROC                   AUROC
─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
 good                                                     1        0       -       -       -       -       -       -
 scratches on the housing, left of the second screw       1        1  1.0000  1.0000  1.0000  1.0000  1.0000  1.0000
 all                                                      2        1  1.0000  1.0000  1.0000  1.0000  1.0000  1.0000
─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
== inspect 80
───────────────────────────────────────────────
 Split  Kind    Images  Unusable  Masks  Sizes
───────────────────────────────────────────────
 train  good        10         0         72×64
 test   good         3         0         72×64
 test   square       3         0      3  72×64
───────────────────────────────────────────────
== inspect 100
───────────────────────────────────────────────
 Split  Kind    Images  Unusable  Masks  Sizes
───────────────────────────────────────────────
 train  good        10         0         72×64
 test   good         3         0         72×64
 test   square       3         0      3  72×64
───────────────────────────────────────────────
== inspect 120
───────────────────────────────────────────────
 Split  Kind    Images  Unusable  Masks  Sizes
───────────────────────────────────────────────
 train  good        10         0         72×64
 test   good         3         0         72×64
 test   square       3         0      3  72×64
───────────────────────────────────────────────
""";
}
