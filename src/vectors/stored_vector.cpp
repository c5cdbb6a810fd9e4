#include "vectors/stored_vector.h"

#include "core/error.h"

namespace lethe {

StoredVector::StoredVector(const std::filesystem::path& folder) : folder_(folder), info_(read_vector_info(folder)) {
  if (info_.kind == VectorKind::adapter) {
    adapter_ = std::make_unique<const Adapter>(folder);
    return;
  }
  weights_ = std::make_unique<const SafetensorsFile>(folder / kVectorTensors);
  for (const StoredTensor& tensor : weights_->tensors()) {
    if (is_floating(tensor.type) && size_of(tensor.type) > 1) continue;
    throw bad_input("cannot use the vector " + folder.string())
        .with("tensor", excerpt(tensor.name, 200))
        .wanted("F16, BF16, F32 or F64 values")
        .found(tensor.text());
  }
}

}  // namespace lethe
