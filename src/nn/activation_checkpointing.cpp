#include "nn/activation_checkpointing.h"

#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/custom_class.h>

namespace lethe {
namespace {

using Part = std::function<at::Tensor(const at::Tensor&)>;

struct KeptPart : torch::CustomClassHolder {
  KeptPart(Part part, std::function<void()> done) : part(std::move(part)), done(std::move(done)) {}
  Part part;
  std::function<void()> done;
};

struct Recomputed : torch::autograd::Function<Recomputed> {
  /// @param ticket  requires a gradient, so that autograd records the part even if x requires none (a frozen embedding)
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& x, const at::Tensor& ticket,
                            Part part, std::function<void()> done) {
    (void)ticket;
    context->save_for_backward({x});
    at::Tensor y = part(x);
    context->saved_data["part"] =
        c10::IValue::make_capsule(c10::make_intrusive<KeptPart>(std::move(part), std::move(done)));
    return y;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& gradients) {
    const at::Tensor before = context->get_saved_variables()[0];
    const auto kept = context->saved_data["part"].toCapsule();
    auto& whole = static_cast<KeptPart&>(*kept);
    const at::AutoGradMode history(true);
    const at::Tensor x = before.detach().requires_grad_(before.requires_grad());
    const at::Tensor y = whole.part(x);
    if (y.requires_grad()) torch::autograd::backward({y}, {gradients[0]});  // nothing in it or before it trains
    if (whole.done) whole.done();
    return {x.grad(), at::Tensor(), at::Tensor(), at::Tensor()};  // one for each argument of forward()
  }
};

}  // namespace

at::Tensor checkpointed(std::function<at::Tensor(const at::Tensor& x)> part, const at::Tensor& x,
                        std::function<void()> done) {
  const at::Tensor ticket = at::empty({0}).requires_grad_(true);
  return Recomputed::apply(x, ticket, std::move(part), std::move(done));
}

}  // namespace lethe
