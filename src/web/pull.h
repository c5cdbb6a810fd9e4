// `lethe pull`: a model of the Hugging Face Hub, by name, into the cache that huggingface_hub shares.
#pragma once

#include <filesystem>
#include <string>

namespace lethe {

/// Downloads what Lethe reads of a model: safetensors weights, *.json, and the files of tokenizers and chat templates.
/// No other file is downloaded: pickles and code never. Every file is checked by size and hash, also those that were
/// in the cache. The revision points to the new snapshot only when all of its files are there.
/// HF_ENDPOINT, HF_TOKEN, HF_HOME, HF_HUB_CACHE and HF_HUB_OFFLINE work as for huggingface_hub.
/// @param name  "org/name" or "org/name@revision"
/// @return the snapshot's folder, which snapshot_download() of huggingface_hub returns too
/// @throws Error (bad input) for a name, a revision, a token or a repository that will not do; Error if the Hub cannot
///         be reached, sends something else than it promised, or the disk is full
std::filesystem::path pull_model(const std::string& name);

}  // namespace lethe
