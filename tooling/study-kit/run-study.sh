#!/usr/bin/env bash
# Runs a study on a machine for a given time and packs what it found.
# usage: run-study.sh MODA STUDY.yaml DATA OUT SECONDS JOBS [RESULTS.tar.gz] [-- options of moda study]
#   MODA     the bundled command line (main.mjs) with presets/ beside its folder
#   DATA     folder that holds data/shards, data/perplexity, data/eval: the study's paths are relative to it
#   OUT      gets <study>.tar.gz (study.json, study.csv, report.html, a folder for each run; no weights) and <study>.log
#   SECONDS  no run is started that would not end in this time
#   RESULTS  the tar of an earlier call: what it holds is not run again
set -u
moda=$(realpath "$1"); study=$(realpath "$2"); data=$(realpath "$3"); out=$(realpath "$4"); seconds=$5; jobs=$6; shift 6
name=$(sed -n 's/^name: *//p' "$study" | head -n 1)
work=$data/runs
mkdir -p "$work"
if [ $# -gt 0 ] && [ "$1" != -- ]; then tar -xzf "$(realpath "$1")" -C "$work"; shift; fi
[ $# -gt 0 ] && shift
cd "$data" || exit 1
pack() { tar -czf "$out/$name.tar.gz.part" -C "$work" "$name" && mv "$out/$name.tar.gz.part" "$out/$name.tar.gz"; }
# What is there is packed once a minute: a machine that is taken away loses a minute at most.
( while sleep 60; do [ -d "$work/$name" ] && pack 2>/dev/null; done ) & packer=$!
trap 'kill $packer 2>/dev/null' EXIT
node "$moda" study "$study" --out "$work" --jobs "$jobs" --time-limit "$seconds" "$@" 2>&1 | tee -a "$out/$name.log"
status=${PIPESTATUS[0]}
kill $packer 2>/dev/null; wait $packer 2>/dev/null
pack
exit "$status"
