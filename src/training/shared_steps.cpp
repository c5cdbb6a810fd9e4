#include "training/shared_steps.h"

#include <c10/core/GradMode.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <span>
#include <utility>

#include "core/error.h"
#include "core/interrupt.h"
#include "core/random.h"
#include "training/step_scalars.h"

namespace lethe {
namespace {

// The state that decides the next step, without what the ranks hold together.
NamedTensors deciding_state(const AdamW& optimizer, Objective& objective, const SharedWeights* weights) {
  NamedTensors state = weights != nullptr ? NamedTensors{} : optimizer.state();
  for (auto& entry : objective.state()) state.push_back(std::move(entry));
  return state;
}

}  // namespace

SharedSteps::SharedSteps(Group& group, Objective& objective, AdamW& optimizer, const SharedStepsOptions& options)
    : group_(group),
      objective_(objective),
      optimizer_(optimizer),
      options_(options),
      names_(objective.terms()),
      own_gradients_(group, options.weights != nullptr ? options.weights->held_by_all() : optimizer.parameters()),
      gradients_(options.weights != nullptr ? static_cast<GradientSums&>(*options.weights) : own_gradients_) {}

SharedSteps::Start SharedSteps::begin(Start own) {
  const c10::NoGradGuard no_gradient;
  std::array<std::int64_t, 3> numbers = {own.first, own.every, own.over ? 1 : 0};
  group_.share(std::as_writable_bytes(std::span(numbers)));
  const Start start{numbers[0], numbers[1], numbers[2] != 0};
  if (start.first == 0) return start;
  const bool receives = group_.rank() > 0;
  for (const auto& [name, tensor] : deciding_state(optimizer_, objective_, options_.weights)) {
    const at::Tensor host = tensor.to(at::kCPU, tensor.scalar_type(), false, /*copy=*/receives).contiguous();
    group_.share({static_cast<std::byte*>(host.mutable_data_ptr()), host.nbytes()});
    if (receives) tensor.copy_(host);
  }
  if (receives && options_.weights == nullptr) optimizer_.state_changed();
  return start;
}

/// What all ranks say of one round of micro-batches.
struct SharedSteps::Round {
  bool stop = false;
  std::vector<StepLoss> parts;  // of the ranks that computed one
  std::vector<std::vector<std::uint8_t>> present;
};

// Every rank sends numbers of a fixed count: stop, whether it computed, tokens, the loss and each term with whether it
// exists; then a byte for each parameter.
SharedSteps::Round SharedSteps::exchange_terms(const StepLoss* part, bool stop) {
  std::vector<double> numbers = {stop ? 1.0 : 0.0, part != nullptr ? 1.0 : 0.0,
                                 part != nullptr ? static_cast<double>(part->tokens) : 0.0};
  const auto add = [&](const at::Tensor& scalar) {
    numbers.push_back(scalar.defined() ? 1 : 0);
    numbers.push_back(scalar.defined() ? scalar.detach().to(at::kDouble).item<double>() : 0);
  };
  add(part != nullptr ? part->loss : at::Tensor());
  for (const std::string& name : names_)
    add(part != nullptr && part->terms.contains(name) ? part->terms.at(name) : at::Tensor());
  const std::vector<std::uint8_t> present = gradients_.own_present();
  const std::size_t head = numbers.size() * sizeof(double), size = head + present.size();
  std::vector<std::byte> mine(size), all(size * static_cast<std::size_t>(group_.size()));
  std::memcpy(mine.data(), numbers.data(), head);
  std::copy_n(reinterpret_cast<const std::byte*>(present.data()), present.size(), mine.begin() + head);
  group_.gather(mine, all);

  Round round;
  for (std::size_t rank = 0; rank * size < all.size(); ++rank) {
    const std::byte* from = all.data() + rank * size;
    std::memcpy(numbers.data(), from, head);
    const auto* flags = reinterpret_cast<const std::uint8_t*>(from + head);
    round.present.emplace_back(flags, flags + present.size());
    round.stop |= numbers[0] != 0;
    if (numbers[1] == 0) continue;
    StepLoss other;
    other.tokens = static_cast<std::int64_t>(numbers[2]);
    const auto scalar = [&](std::size_t at) {
      return numbers[at] != 0 ? at::scalar_tensor(numbers[at + 1], at::kDouble) : at::Tensor();
    };
    other.loss = scalar(3);
    for (std::size_t i = 0; i < names_.size(); ++i) {
      if (const at::Tensor value = scalar(5 + 2 * i); value.defined()) other.terms[names_[i]] = value;
    }
    round.parts.push_back(std::move(other));
  }
  return round;
}

SharedSteps::Whole SharedSteps::micro_batches(std::int64_t step,
                                              const std::function<void(const StepLoss& part)>& take) {
  bool stop = false;
  for (std::int64_t first = 0; first < options_.accumulate; first += group_.size()) {
    const std::int64_t micro = first + group_.rank();
    std::optional<StepLoss> part;
    if (micro < options_.accumulate) {
      part = objective_.loss(static_cast<std::uint64_t>(step * options_.accumulate + micro));
      if (part->loss.defined() && part->loss.requires_grad())
        (part->loss / static_cast<double>(options_.accumulate)).backward();
    }
    const Round round = exchange_terms(part ? &*part : nullptr, options_.interrupted && options_.interrupted());
    stop = round.stop;
    if (stop && first + group_.size() < options_.accumulate) {
      gradients_.discard();
      return Whole::no;
    }
    for (const StepLoss& other : round.parts) take(other);
    gradients_.add(round.present);
  }
  gradients_.finish();
  return stop ? Whole::then_stop : Whole::yes;
}

bool SharedSteps::measured(bool over) {
  std::uint8_t ends = over ? 1 : 0;
  group_.share(std::as_writable_bytes(std::span(&ends, 1)));
  return ends != 0;
}

void SharedSteps::check_weights() {
  std::uint64_t hash = 0;
  for (const at::Tensor& parameter : gradients_.held_by_all()) {
    const at::Tensor host = parameter.detach().to(at::kCPU).contiguous();
    hash = stable_hash({static_cast<const char*>(host.const_data_ptr()), host.nbytes()}, hash);
  }
  std::vector<std::uint64_t> all(static_cast<std::size_t>(group_.size()));
  group_.gather(std::as_bytes(std::span(&hash, 1)), std::as_writable_bytes(std::span(all)));
  const auto other = std::find_if(all.begin(), all.end(), [&](std::uint64_t value) { return value != all[0]; });
  if (other == all.end()) return;
  throw Error("the ranks do not compute the same bits")
      .with("differs", "rank " + std::to_string(other - all.begin()) + " from rank 0, after one step")
      .hint("machines of one kind, with the same lethe and the same number of threads");
}

void SharedSteps::end() {
  if (options_.weights != nullptr) measured(true);
}

void follow_training(Group& group, Objective& objective, AdamW& optimizer, const SharedStepsOptions& options) {
  SharedSteps shared(group, objective, optimizer, options);
  const SharedSteps::Start start = shared.begin({});
  bool over = start.over;
  const auto stop = [&] {
    shared.end();  // while rank 0 saves the state
    throw interrupted_error("interrupted");
  };
  for (std::int64_t step = start.first; step < options.steps && !over; ++step) {
    StepScalars scalars;
    const auto whole = shared.micro_batches(step, [&](const StepLoss& part) { scalars.add(part, options.accumulate); });
    if (whole == SharedSteps::Whole::no) return stop();
    const at::Tensor norm = optimizer.clip_gradients(options.clip);
    optimizer.step(options.schedule.at(step), norm);
    shared.updated();
    objective.stepped(values_of(scalars.terms));
    if (step == start.first) shared.check_weights();
    if (whole == SharedSteps::Whole::then_stop) return stop();
    const std::int64_t done = step + 1;
    if (start.every > 0 && (done % start.every == 0 || done == options.steps)) over = shared.measured(false);
  }
  shared.end();
}

}  // namespace lethe
