#!/usr/bin/env bash
# The whole story on one reference model: scan, look at the trigger, repair, measure with the attacker's own trigger.
set -euo pipefail
cd "$(dirname "$0")/.."
model=signs-lenet-weights
out=demo-output
rm -rf "$out" && mkdir -p "$out"

say() { printf '\n== %s\n' "$*"; }
show() { printf '$ %s\n' "$*"; "$@"; }

say "1. Scan $model, a traffic-sign classifier that somebody else trained"
status=0
show onnxaudit scan "models/$model.onnx" --data models/samples/signs.npz \
  --json "$out/scan.json" --save-triggers "$out/triggers" || status=$?
echo "exit code $status (0 clean, 1 backdoored, 2 error, 3 inconclusive)"
[ "$status" -eq 1 ] || { echo "the demo expected the backdoor to be found" >&2; exit 1; }

say "2. Repair it, and measure with the trigger that the attacker really used (the repair never sees it)"
show onnxaudit repair "models/$model.onnx" --data models/samples/signs.npz --scan "$out/scan.json" \
  --known-trigger "models/$model.trigger.npz" --evaluation models/samples/signs-evaluation.npz \
  --output "$out/$model-repaired.onnx" --json "$out/repair.json"

say "3. What is left behind"
find "$out" -type f | sort | sed 's/^/  /'
