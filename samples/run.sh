#!/usr/bin/env bash
# Builds the samples, runs them in an empty folder, and compares what they print with expected.txt.
#
#   bash samples/run.sh
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
dotnet build -c Release -p:RestoreLockedMode=true -v quiet -tl:off Samples.slnx

bin=bin/Release/net10.0
samples=$PWD
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
{
    # The first makes the model and the photographs that the next two take.
    dotnet "$samples/TrainFromCode/$bin/TrainFromCode.dll"
    dotnet "$samples/Judge/$bin/Judge.dll"
    dotnet "$samples/OnnxRuntime/$bin/ExportedModel.dll"
    dotnet "$samples/OwnOperator/$bin/OwnOperator.dll"
} | tee printed.txt
diff "$samples/expected.txt" printed.txt && echo "The samples print what they should."
