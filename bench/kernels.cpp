// Benchmarks of Lethe's own kernels, or those it chooses, against LibTorch's default operations, on the shapes of a
// LLaMA of 58 million parameters (width 512, inner 1408, vocabulary 32,000). `make kernels` prints the table of
// docs/results/optimizations.md.
#include <benchmark/benchmark.h>

#include "kernels/skinny_gemm.h"
#include "nn/bfloat16_product.h"
#include "nn/matmul.h"
#include "nn/nf4.h"
#include "nn/norm.h"
#include "nn/token_losses.h"

namespace lethe {
namespace {

void count(benchmark::State& state, double flop) {
  state.counters["GFLOP/s"] = benchmark::Counter(flop * 1e-9, benchmark::Counter::kIsIterationInvariantRate);
}

// Rows, in, out.
void engine_product(benchmark::State& state) {
  const c10::InferenceMode inference;
  const at::Tensor x = at::randn({state.range(0), state.range(1)}), w = at::randn({state.range(2), state.range(1)});
  for (auto _ : state) benchmark::DoNotOptimize(at::linear(x, w));
  count(state, 2.0 * state.range(0) * state.range(1) * state.range(2));
}

void lethe_product(benchmark::State& state) {
  const c10::InferenceMode inference;
  const at::Tensor x = at::randn({state.range(0), state.range(1)}), w = at::randn({state.range(2), state.range(1)});
  for (auto _ : state) benchmark::DoNotOptimize(matmul_nt(x, w));
  count(state, 2.0 * state.range(0) * state.range(1) * state.range(2));
}

// The same with a weight in bfloat16, where this CPU multiplies it.
void lethe_bfloat16_product(benchmark::State& state) {
  const c10::InferenceMode inference;
  const at::Tensor x = at::randn({state.range(0), state.range(1)}),
                   w = at::randn({state.range(2), state.range(1)}).to(at::kBFloat16);
  if (!mixes_bfloat16(x, w)) return state.SkipWithError("this CPU does not multiply bfloat16");
  for (auto _ : state) benchmark::DoNotOptimize(matmul_nt(x, w));
  count(state, 2.0 * state.range(0) * state.range(1) * state.range(2));
}

void shapes(benchmark::internal::Benchmark* bench) {
  bench->ArgNames({"rows", "in", "out"})->UseRealTime()->Unit(benchmark::kMillisecond);
  for (const std::int64_t rows : {1, 4, 16, 32, 64, 196, 1024}) {
    bench->Args({rows, 512, 1408})->Args({rows, 1408, 512});
    if (rows <= 196) bench->Args({rows, 512, 32000});
  }
}
BENCHMARK(engine_product)->Apply(shapes);
BENCHMARK(lethe_product)->Apply(shapes);
BENCHMARK(lethe_bfloat16_product)->Apply(shapes);

// The gradient of a weight.
void engine_weight_gradient(benchmark::State& state) {
  const c10::InferenceMode inference;
  const at::Tensor x = at::randn({state.range(0), state.range(1)}), g = at::randn({state.range(0), state.range(2)});
  for (auto _ : state) benchmark::DoNotOptimize(at::mm(g.t(), x));
  count(state, 2.0 * state.range(0) * state.range(1) * state.range(2));
}
void lethe_weight_gradient(benchmark::State& state) {
  const c10::InferenceMode inference;
  const at::Tensor x = at::randn({state.range(0), state.range(1)}), g = at::randn({state.range(0), state.range(2)});
  for (auto _ : state) benchmark::DoNotOptimize(matmul_tn(g, x));
  count(state, 2.0 * state.range(0) * state.range(1) * state.range(2));
}
void gradient_shapes(benchmark::internal::Benchmark* bench) {
  bench->ArgNames({"rows", "in", "out"})->UseRealTime()->Unit(benchmark::kMillisecond);
  for (const std::int64_t rows : {64, 196, 1230})
    bench->Args({rows, 512, 512})->Args({rows, 512, 1408})->Args({rows, 1408, 512});
  bench->Args({196, 512, 32000});
}
BENCHMARK(engine_weight_gradient)->Apply(gradient_shapes);
BENCHMARK(lethe_weight_gradient)->Apply(gradient_shapes);

// Cross-entropy of the given number of positions, forward and backward to the hidden states: in chunks, and the usual
// way.
at::Tensor hidden(std::int64_t rows) {
  return at::randn({rows, 512}).requires_grad_(true);
}
void plain_cross_entropy(benchmark::State& state) {
  const at::Tensor x = hidden(state.range(0)), head = at::randn({32000, 512}) * 0.05,
                   targets = at::randint(32000, {state.range(0)}, at::kLong);
  for (auto _ : state) at::cross_entropy_loss(at::linear(x, head), targets).backward();
  count(state, 4.0 * state.range(0) * 512 * 32000);
}
void chunked_cross_entropy(benchmark::State& state) {
  const at::Tensor x = hidden(state.range(0)), head = at::randn({32000, 512}) * 0.05,
                   targets = at::randint(32000, {state.range(0)}, at::kLong),
                   weights = at::full({state.range(0)}, 1.0 / static_cast<double>(state.range(0)));
  for (auto _ : state) cross_entropy(x, Head{.weight = head}, targets, weights).total.backward();
  count(state, 4.0 * state.range(0) * 512 * 32000);
}
BENCHMARK(plain_cross_entropy)->ArgName("positions")->Arg(800)->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(chunked_cross_entropy)->ArgName("positions")->Arg(800)->UseRealTime()->Unit(benchmark::kMillisecond);

void engine_rms_norm(benchmark::State& state) {
  const at::Tensor x = hidden(1024), weight = at::ones({512});
  for (auto _ : state) at::rms_norm(x, {512}, weight, 1e-6).sum().backward();
}
void lethe_rms_norm(benchmark::State& state) {
  const at::Tensor x = hidden(1024);
  Norm norm;
  norm.weight = at::ones({512});
  for (auto _ : state) norm.forward(x).sum().backward();
}
BENCHMARK(engine_rms_norm)->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(lethe_rms_norm)->UseRealTime()->Unit(benchmark::kMillisecond);

void unpack_four_bits(benchmark::State& state) {
  const Nf4Matrix packed = to_nf4(at::randn({4096, 4096}));
  for (auto _ : state) benchmark::DoNotOptimize(packed.values(at::kFloat));
  state.counters["GB/s written"] =
      benchmark::Counter(4e-9 * 4096 * 4096, benchmark::Counter::kIsIterationInvariantRate);
}
BENCHMARK(unpack_four_bits)->UseRealTime()->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace lethe

BENCHMARK_MAIN();
