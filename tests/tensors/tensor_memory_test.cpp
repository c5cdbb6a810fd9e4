// Memory of tensors: what is held, what is reused, and what happens when memory runs out.
#include "tensors/tensor_memory.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <random>
#include <thread>
#include <vector>

#include "core/error.h"

namespace lethe {
namespace {

#ifndef __SANITIZE_ADDRESS__  // where every tensor is the C library's, to be watched

std::uintptr_t place(const at::Tensor& tensor) {
  return reinterpret_cast<std::uintptr_t>(tensor.data_ptr());
}

TEST(TensorMemory, ABlockIsUsedAgainForWhatNeedsMostOfIt) {
  use_tensor_memory();
  at::Tensor a = at::empty({1000000});
  const std::uintptr_t first = place(a);
  EXPECT_EQ(first % 64, 0U);
  a = at::Tensor();
  at::Tensor b = at::empty({950000});
  EXPECT_EQ(place(b), first);
  b = at::Tensor();
  const at::Tensor c = at::empty({300000});
  EXPECT_NE(place(c), first);
}

TEST(TensorMemory, OfManySizesNeverExceedsThePeak) {
  use_tensor_memory();
  std::mt19937 random(5);
  std::vector<at::Tensor> tensors(20);
  for (int i = 0; i < 5000; ++i) {
    at::Tensor& tensor = tensors[random() % tensors.size()];
    tensor = at::Tensor();
    tensor = at::empty({static_cast<std::int64_t>(random() % 300000) + 1});
    const TensorMemory now = tensor_memory();
    ASSERT_LE(now.live + now.cached, now.peak);
  }
  const std::size_t live = tensor_memory().live;
  tensors.clear();
  EXPECT_LT(tensor_memory().live, live);
  EXPECT_GT(tensor_memory().cached, 0U);
  release_tensor_memory();
  EXPECT_EQ(tensor_memory().cached, 0U);
}

TEST(TensorMemory, HoldsWhatIsWrittenFromSeveralThreads) {
  use_tensor_memory();
  std::vector<std::thread> threads;
  std::vector<int> wrong(4);
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([t, &wrong] {
      std::mt19937 random(static_cast<unsigned>(t));
      std::vector<at::Tensor> mine(8);
      for (int i = 0; i < 500; ++i) {
        at::Tensor& tensor = mine[random() % mine.size()];
        if (tensor.defined() && !(tensor == static_cast<float>(t)).all().item<bool>()) ++wrong[t];
        tensor = at::full({static_cast<std::int64_t>(random() % 50000) + 1}, static_cast<float>(t));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, std::vector<int>(4));
}

#endif

TEST(TensorMemory, ThatThereIsNotIsAnErrorWithTheSizeAndWhatToDo) {
  use_tensor_memory();
  for (const std::int64_t size : {std::int64_t{1} << 50, std::int64_t{1} << 60}) {
    try {
      at::empty({size});
      FAIL() << "no error";
    } catch (const Error& error) {
      EXPECT_NE(std::string(error.what()).find("out of memory"), std::string::npos) << error.what();
      EXPECT_NE(std::string(error.what()).find("bytes more"), std::string::npos) << error.what();
    }
  }
  EXPECT_EQ(at::ones({100000}).sum().item<float>(), 100000);
}

TEST(TensorMemory, ATensorOfNothingNeedsNone) {
  use_tensor_memory();
  EXPECT_EQ(at::empty({0}).numel(), 0);
  EXPECT_EQ(at::empty({3}).resize_({0}).numel(), 0);
}

}  // namespace
}  // namespace lethe
