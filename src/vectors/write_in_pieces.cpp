#include "vectors/write_in_pieces.h"

#include <algorithm>

#include "core/interrupt.h"
#include "tensors/file_tensors.h"
#include "tensors/parallel.h"

namespace lethe {

void write_in_pieces(const PiecewiseTensor& tensor, const std::function<Room(std::uint64_t bytes)>& room) {
  constexpr std::int64_t kPiece = 1 << 18, kGroup = kPiece * 32;
  const auto width = static_cast<std::int64_t>(c10::elementSize(tensor.type));
  if (tensor.count == 0) room(0);
  for (std::int64_t begin = 0; begin < tensor.count; begin += kGroup) {
    stop_if_interrupted();
    const std::int64_t end = std::min(tensor.count, begin + kGroup), pieces = (end - begin + kPiece - 1) / kPiece;
    Room group = room(static_cast<std::uint64_t>((end - begin) * width));
    in_parallel(pieces, [&](std::int64_t piece) {
      const std::int64_t at = begin + piece * kPiece;
      const at::Tensor result = at::empty({std::min(kPiece, end - at)}, tensor.type);
      tensor.compute(at, result);
      group.write(static_cast<std::uint64_t>((at - begin) * width), bytes_of(result));
    });
    if (tensor.release) tensor.release(begin, end);
  }
}

}  // namespace lethe
