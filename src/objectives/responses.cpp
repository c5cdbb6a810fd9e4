#include "objectives/responses.h"

#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>

#include "core/error.h"
#include "core/interrupt.h"
#include "core/redaction.h"
#include "core/terminal.h"
#include "tensors/device.h"
#include "tensors/parallel.h"

namespace lethe {

Example ExampleMaker::make(const Pair& pair, const std::string& response) const {
  const Template* layout = pair.prompt.empty() ? nullptr : &template_;
  return encode_example(*tokenizer_, layout, pair.prompt, response, options_, pair.before);
}

const Example& ExampleMaker::made_example(const Pair& pair) {
  const auto [at, fresh] = made_.try_emplace({pair.prompt, pair.response, pair.before});
  if (fresh) at->second = make(pair, pair.response);
  return at->second;
}

const Example& ExampleMaker::example(const Pair& pair) {
  const Example& made = made_example(pair);
  if (made.response_begin >= made.ids.size()) {
    throw bad_input("cannot train on a pair of " + (pair.source.empty()
                                                        ? std::string("the plan")
                                                        : pair.source + ", line " + std::to_string(pair.line)))
        .wanted("at least one response token within data.max_length = " + std::to_string(options_.max_length) +
                " tokens")
        .found("a prompt that leaves no room for the response: " + shown_text(pair.prompt, 60))
        .hint("raise data.max_length, or leave the pair out");
  }
  return made;
}

ExampleMaker::Truncated ExampleMaker::drop_truncated(std::vector<Pair>& pairs) const {
  enum Fit : char { whole, cut, none };
  constexpr std::size_t kPiece = 32, kRound = 256 * kPiece;
  std::vector<Fit> fits(pairs.size());
  Progress progress("tokenising", pairs.size(), "pairs");
  for (std::size_t first = 0; first < pairs.size(); first += kRound) {
    const std::size_t last = std::min(first + kRound, pairs.size());
    in_parallel(static_cast<std::int64_t>((last - first + kPiece - 1) / kPiece), [&](std::int64_t piece) {
      const std::size_t begin = first + static_cast<std::size_t>(piece) * kPiece, end = std::min(begin + kPiece, last);
      for (std::size_t i = begin; i < end && !interrupted(); ++i) {
        const Example made = make(pairs[i], pairs[i].response);
        const bool full = options_.max_length > 0 && made.ids.size() >= options_.max_length;
        fits[i] = made.response_begin >= made.ids.size() ? none : full ? cut : whole;
      }
    });
    progress.update(last);
  }
  std::size_t i = 0;
  std::erase_if(pairs, [&](const Pair&) { return fits[i++] == none; });  // visits the pairs in order
  return {static_cast<std::size_t>(std::count(fits.begin(), fits.end(), none)),
          static_cast<std::size_t>(std::count(fits.begin(), fits.end(), cut))};
}

PackingOptions packing_for(const CausalLM& model) {
  PackingOptions options;
  options.share_limit = model.spec().length_limit().value_or(0);
  return options;
}

namespace {

/// Selects rows of a matrix, some of them repeatedly: a prompt's last token predicts the first token of all its
/// responses. On a GPU, LibTorch's own backward pass would sum those gradients in any order.
struct Rows : torch::autograd::Function<Rows> {
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& matrix,
                            const at::Tensor& numbers) {
    context->save_for_backward({numbers});
    context->saved_data["rows"] = matrix.size(0);
    return matrix.index_select(0, numbers);
  }
  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& gradients) {
    const at::Tensor numbers = context->get_saved_variables()[0];
    const at::Tensor& gradient = gradients[0];
    const FixedOrder fixed;
    at::Tensor grad_matrix = at::zeros({context->saved_data["rows"].toInt(), gradient.size(1)}, gradient.options());
    return {grad_matrix.index_add_(0, numbers, gradient), at::Tensor()};
  }
};

}  // namespace

at::Tensor response_states(const at::Tensor& hidden, const PackedExamples& packed) {
  return Rows::apply(hidden, packed.predictors);
}

void add_response_weights(std::vector<float>& weights, std::span<const ResponseSpan> examples, std::size_t pairs,
                          Reduction reduction, double scale) {
  for (const auto& span : examples) {
    const double token =
        reduction == Reduction::mean ? 1.0 / (static_cast<double>(examples.size()) * span.size()) : 1.0 / pairs;
    for (auto t = span.begin; t < span.end; ++t) weights[t] += static_cast<float>(scale * token);
  }
}

at::Tensor mean_over_examples(const at::Tensor& each, std::span<const ResponseSpan> examples) {
  std::vector<at::Tensor> means;
  for (const auto& span : examples) means.push_back(each.slice(0, span.begin, span.end).mean());
  return means.empty() ? at::zeros({}, each.options()) : at::stack(means).to(at::kDouble).mean();
}

}  // namespace lethe
