// The table of model families. A further family is one file beside this one, one line here and one in families.cpp.
#pragma once

#include "models/config_reader.h"
#include "models/decoder_spec.h"

namespace lethe {

DecoderSpec llama_spec(ConfigReader& config);
DecoderSpec opt_spec(ConfigReader& config);

/// "silu", "gelu", … as transformers names them. @throws Error for another
Activation read_activation(ConfigReader& config, const std::string& key, const std::string& fallback);

}  // namespace lethe
