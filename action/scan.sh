#!/usr/bin/env bash
# One scan of all models: reports beside each other, a summary of the job, and the exit code of the scan.
# Reads INPUT_*, RUNNER_TEMP, GITHUB_OUTPUT and GITHUB_STEP_SUMMARY.
set -u

reports="$RUNNER_TEMP/onnxaudit"
mkdir -p "$reports"
arguments=(--json "$reports/report.json" --sarif "$reports/report.sarif" --markdown "$reports/summary.md")
arguments+=(--html "$reports/report.html" --progress lines)
[ -n "$INPUT_EFFORT" ] || INPUT_EFFORT="$INPUT_PROFILE" # its old name
[ -n "$INPUT_EFFORT" ] && arguments+=(--effort "$INPUT_EFFORT")
[ -n "$INPUT_DATA" ] && arguments+=(--data "$INPUT_DATA")
[ -n "$INPUT_POLICY" ] && arguments+=(--policy "$INPUT_POLICY")
[ -n "$INPUT_TIME_BUDGET" ] && arguments+=(--time-budget "$INPUT_TIME_BUDGET")

models=()
while IFS= read -r model; do
  [ -n "$model" ] && models+=("$model")
done <<<"$INPUT_MODELS"

onnxaudit scan "${arguments[@]}" -- ${models[@]+"${models[@]}"}
code=$?

{
  echo "exit-code=$code"
  echo "json=$reports/report.json"
  echo "sarif=$reports/report.sarif"
  echo "html=$reports/report.html"
} >>"$GITHUB_OUTPUT"
[ -f "$reports/summary.md" ] && cat "$reports/summary.md" >>"$GITHUB_STEP_SUMMARY"
exit "$code"
