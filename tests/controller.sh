#!/usr/bin/env bash
# The experiment that the settings `short` were chosen by; runtime/docs/controller.md has what it printed.
# Not used: the columns of NAS-Bench-201 for CIFAR-10, NAS-Bench-Macro, seeds 0 to 49. An hour on two cores.
set -euo pipefail
cd "$(dirname "$0")/.."
table=${SUPERNET_DATA:-../shared/data}/nasbench201/nasbench201.csv

# Rewards without noise: 500 samples of a table, seeds 1000 to 1099.
on_tables() {
    local column settings=()
    for setting in "$@"; do settings+=(--set "$setting"); done
    for column in c100 in16; do
        cargo run --release --quiet -- search --space nasbench201 --table "$table" --key cellstr \
            --reward "${column}_valid_e12" --report "${column}_test_e200" --samples 500 --repeat 100 --seed 1000 \
            "${settings[@]}"
    done
}

for rate in 0.002 0.005 0.01 0.02 0.03 0.05; do on_tables "controller.learning_rate=$rate"; done
for rollouts in 5 10 20; do
    for rate in 0.005 0.01 0.02; do
        for entropy in 0.0005 0.002 0.005; do
            on_tables "score.rollouts=$rollouts" "controller.learning_rate=$rate" "controller.entropy=$entropy"
        done
    done
done

# Rewards as noisy as accuracies on minibatches, seeds 1000 to 1019.
for settings in "score.rollouts=20 controller.learning_rate=0.005 controller.entropy=0.0005" \
    "score.rollouts=20 controller.learning_rate=0.01 controller.entropy=0.0005" \
    "score.rollouts=10 controller.learning_rate=0.01 controller.entropy=0.0005" \
    "score.rollouts=20 controller.learning_rate=0.01 controller.entropy=0.002" \
    "score.rollouts=10 controller.learning_rate=0.005 controller.entropy=0.002" \
    "score.rollouts=20 controller.learning_rate=0.005 controller.entropy=0.002"; do
    # shellcheck disable=SC2086 # one setting a word
    cargo bench -p supernet-tests --bench controller -- $settings
done

# The digits, seeds 100 and 101, with shared weights.
for settings in "score.rollouts=20 controller.learning_rate=0.005" "score.rollouts=20 controller.learning_rate=0.01" \
    "score.rollouts=20 controller.learning_rate=0.02" "score.rollouts=10 controller.learning_rate=0.01" \
    "score.rollouts=10 controller.learning_rate=0.02"; do
    # shellcheck disable=SC2086
    cargo bench -p supernet-tests --bench gain -- 100 2 controller.entropy=0.0005 $settings
done
