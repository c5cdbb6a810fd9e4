#include "data/foreign_files.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>

#include "core/error.h"
#include "core/replace_all.h"
#include "data/fields.h"

namespace lethe {
namespace fs = std::filesystem;
namespace {

constexpr const char* kToRows = ".to_json('DATA.jsonl', orient='records', lines=True)";

/// `python -c "…"` with FILE and DATA replaced by the file's path, with and without its extension.
std::string python(const std::string& code, const fs::path& path) {
  std::string text = code;
  const auto replace = [&](const std::string& word, std::string by) {
    if (by.find_first_of("'\"\\") != std::string::npos) by = word;  // cannot be quoted here
    replace_all(text, word, by);
  };
  replace("DATA", (path.parent_path() / path.stem()).string());
  replace("FILE", path.string());
  return excerpt("python -c \"" + text + "\"", 500);
}

ForeignFile excel(const fs::path& path) {
  return {"an Excel workbook", python(std::string("import pandas; pandas.read_excel('FILE')") + kToRows, path)};
}
ForeignFile arrow_stream(const fs::path& path) {
  return {"an Arrow file, as the datasets library keeps them",
          python("from datasets import Dataset; Dataset.from_file('FILE').to_json('DATA.jsonl')", path)};
}
ForeignFile arrow_file(const fs::path& path) {
  if (path.extension() == ".arrow")
    return {"an Arrow file",
            python(std::string("import pyarrow; pyarrow.ipc.open_file('FILE').read_pandas()") + kToRows, path)};
  return {"a Feather file (Arrow)", python(std::string("import pandas; pandas.read_feather('FILE')") + kToRows, path)};
}
ForeignFile sqlite(const fs::path& path) {
  return {
      "an SQLite database",
      python(std::string("import pandas, sqlite3; pandas.read_sql('SELECT * FROM TABLE', sqlite3.connect('FILE'))") +
                 kToRows,
             path)};
}
ForeignFile pickle(const fs::path& path) {
  return {"a Python pickle, which may run code when it is loaded",
          "if you trust it: " + python(std::string("import pandas; pandas.read_pickle('FILE')") + kToRows, path)};
}
ForeignFile numpy(const fs::path& path) {
  return {"a NumPy array",
          python(std::string("import numpy, pandas; pandas.DataFrame(numpy.load('FILE'))") + kToRows, path)};
}
ForeignFile hdf(const fs::path& path) {
  return {"an HDF5 file", python(std::string("import pandas; pandas.read_hdf('FILE')") + kToRows, path)};
}
ForeignFile orc(const fs::path& path) {
  return {"an ORC file", python(std::string("import pandas; pandas.read_orc('FILE')") + kToRows, path)};
}
ForeignFile parquet(const fs::path& path) {
  return {"a Parquet file under another name", "name it " + path.stem().string() + ".parquet"};
}
ForeignFile zip(const fs::path& path) {
  return {"a zip archive", "unpack it first: python -m zipfile -e " + excerpt(path.string(), 300) + " FOLDER"};
}
ForeignFile tar(const fs::path& path) {
  return {"a tar archive", "unpack it first: tar -xf " + excerpt(path.string(), 300)};
}
ForeignFile packed(const char* what, const char* command, const fs::path& path) {
  return {what, "unpack it first: " + std::string(command) + " " + excerpt(path.string(), 300)};
}
ForeignFile page() {
  return {"a web page (HTML)", "download the file itself; on the Hub its address has /resolve/ in place of /blob/"};
}
ForeignFile pointer() {
  return {"a Git LFS pointer, not the file itself", "git lfs pull, or hf download"};
}
ForeignFile model() {
  return {"a model's weights", "give the data; a model belongs after --model"};
}

std::string ending_of(const fs::path& path) {
  return column_key(path.extension().string());
}

ForeignFile zipped(std::string_view begin, const fs::path& path) {
  const std::string ending = ending_of(path);
  const auto holds = [&](const char* text) { return begin.find(text) != std::string_view::npos; };
  if (ending == ".xlsx" || ending == ".xlsm" || holds("xl/") || (holds("[Content_Types].xml") && ending != ".docx"))
    return excel(path);
  if (ending == ".ods") return excel(path);
  if (ending == ".docx") return {"a Word document", "save its text as rows of JSON or CSV"};
  if (ending == ".npz") return numpy(path);
  if (ending == ".pt" || ending == ".pth" || ending == ".bin" || holds("/data.pkl"))
    return {"a file that torch.save() wrote", python("import torch; torch.load('FILE')", path)};
  return zip(path);
}

ForeignFile image(const char* what) {
  return {std::string(what) + " image", "Lethe reads rows of text only"};
}

}  // namespace

std::optional<ForeignFile> foreign_by_content(std::string_view begin, const fs::path& path) {
  using namespace std::string_view_literals;
  const auto starts = [&](std::string_view magic) { return begin.starts_with(magic); };
  if (starts("PK\x03\x04"sv) || starts("PK\x05\x06"sv)) return zipped(begin, path);
  if (starts("\xD0\xCF\x11\xE0"sv)) return excel(path);  // .xls
  if (starts("ARROW1"sv) || starts("FEA1"sv)) return arrow_file(path);
  if (starts("\xFF\xFF\xFF\xFF"sv)) return arrow_stream(path);
  if (starts("SQLite format 3"sv)) return sqlite(path);
  if (begin.size() > 2 && begin[0] == '\x80' && begin[1] >= 2 && begin[1] <= 5) return pickle(path);
  if (starts("PAR1"sv)) return parquet(path);
  if (starts("\x93NUMPY"sv)) return numpy(path);
  if (starts("\x89HDF\r\n"sv)) return hdf(path);
  if (starts("ORC"sv) && ending_of(path) == ".orc") return orc(path);
  if (starts("GGUF"sv)) return model();
  if (starts("\x28\xB5\x2F\xFD"sv)) return packed("a file packed with zstd", "zstd -d", path);
  if (starts("\xFD"
             "7zXZ"sv))
    return packed("a file packed with xz", "xz -dk", path);
  if (starts("BZh"sv) && begin.size() > 10 && begin.substr(4, 6) == "1AY&SY"sv)
    return packed("a file packed with bzip2", "bunzip2 -k", path);
  if (starts("7z\xBC\xAF"sv)) return packed("a 7-Zip archive", "7z x", path);
  if (starts("Rar!"sv)) return packed("a RAR archive", "unrar x", path);
  if (begin.size() > 262 && begin.substr(257, 5) == "ustar"sv) return tar(path);
  if (starts("\x89PNG"sv)) return image("a PNG");
  if (starts("\xFF\xD8\xFF"sv)) return image("a JPEG");
  if (starts("GIF8"sv)) return image("a GIF");
  if (starts("RIFF"sv) && begin.size() > 12 && begin.substr(8, 4) == "WEBP"sv) return image("a WebP");
  if (starts("%PDF-"sv)) return ForeignFile{"a PDF document", "save its text as rows of JSON or CSV"};
  if (starts("version https://git-lfs"sv)) return pointer();
  if (starts("\x7F"
             "ELF"sv))
    return ForeignFile{"a program", ""};
  const std::string text = column_key(begin.substr(0, std::min<std::size_t>(begin.size(), 200)));
  if (text.starts_with("<!doctype_html") || text.starts_with("<html") || text.starts_with("<head")) return page();
  if (text.starts_with("<?xml")) return ForeignFile{"an XML file", "convert it to rows of JSON or CSV"};
  return std::nullopt;
}

std::optional<ForeignFile> foreign_by_name(const fs::path& path) {
  using Make = ForeignFile (*)(const fs::path&);
  static constexpr auto known = std::to_array<std::pair<const char*, Make>>({{".xlsx", excel},
                                                                             {".xlsm", excel},
                                                                             {".xls", excel},
                                                                             {".ods", excel},
                                                                             {".arrow", arrow_stream},
                                                                             {".feather", arrow_file},
                                                                             {".sqlite", sqlite},
                                                                             {".sqlite3", sqlite},
                                                                             {".db", sqlite},
                                                                             {".pkl", pickle},
                                                                             {".pickle", pickle},
                                                                             {".npy", numpy},
                                                                             {".npz", numpy},
                                                                             {".h5", hdf},
                                                                             {".hdf5", hdf},
                                                                             {".orc", orc},
                                                                             {".zip", zip},
                                                                             {".tar", tar},
                                                                             {".tgz", tar}});
  const std::string ending = ending_of(path);
  for (const auto& [name, make] : known) {
    if (ending == name) return make(path);
  }
  if (ending == ".zst") return packed("a file packed as .zst", "zstd -d", path);
  if (ending == ".xz") return packed("a file packed as .xz", "xz -dk", path);
  if (ending == ".bz2") return packed("a file packed as .bz2", "bunzip2 -k", path);
  for (const char* name : {".png", ".jpg", ".jpeg", ".gif", ".webp", ".bmp", ".tif", ".tiff", ".svg"}) {
    if (ending == name) return image("an");
  }
  for (const char* name : {".gguf", ".safetensors", ".bin", ".pt", ".pth"}) {
    if (ending == name) return model();
  }
  if (ending == ".html" || ending == ".htm") return page();
  if (ending == ".pdf" || ending == ".docx")
    return ForeignFile{"a document (" + ending + ")", "save its text as rows of JSON or CSV"};
  if (ending == ".txt" || ending == ".md" || ending == ".text")
    return ForeignFile{"plain text, which says nothing of prompts and responses",
                       "a row of JSON a line in a .jsonl file: {\"prompt\": \"…\", \"response\": \"…\"}"};
  if (ending == ".yaml" || ending == ".yml" || ending == ".xml" || ending == ".toml")
    return ForeignFile{"a file of another format (" + ending + ")", "convert it to rows of JSON or CSV"};
  return std::nullopt;
}

bool is_address(std::string_view path) {
  const std::size_t mark = path.find("://");
  return mark != std::string_view::npos && mark > 0 &&
         path.substr(0, mark).find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789+.-") == std::string_view::npos;
}

namespace {

void refuse_address(const std::string& path) {
  Error error = bad_input("cannot read " + excerpt(path, 300));
  error.wanted("a file on this machine");
  constexpr std::string_view hub = "hf://datasets/";
  if (!path.starts_with("hf://"))
    throw error.found("an address; Lethe downloads nothing").hint("download it first: curl -LO " + excerpt(path, 300));
  std::string name = path.substr(path.starts_with(hub) ? hub.size() : 5);
  const std::size_t slash = name.find('/');
  if (slash != std::string::npos) name.resize(std::min(name.find_first_of("/@", slash + 1), name.size()));
  throw error.found("an address on the Hugging Face Hub; Lethe downloads nothing")
      .hint(
          python("from datasets import load_dataset; load_dataset('FILE', split='train').to_json('data.jsonl')", name));
}

}  // namespace

void refuse_foreign(const fs::path& path, bool by_name) {
  if (is_address(path.string())) refuse_address(path.string());
  std::error_code none;
  const fs::file_status status = fs::status(path, none);
  Error error = bad_input("cannot read " + path.string());
  if (!fs::exists(status)) {
    error.found(std::strerror(none ? none.value() : ENOENT));
    // OWNER/NAME without such a folder is most likely a repository on the Hub.
    const std::string text = path.string();
    const bool like_hub = std::count(text.begin(), text.end(), '/') == 1 && !path.is_absolute() &&
                          !path.has_extension() && !text.starts_with(".") && !fs::exists(path.parent_path(), none);
    if (!like_hub) throw error;
    throw error.hint("if it is a data set of the Hub: " +
                     python("from datasets import load_dataset; load_dataset('FILE', split='train')"
                            ".to_json('data.jsonl')",
                            path));
  }
  if (fs::is_directory(status))
    throw error.wanted("a data file").found("a folder").hint("name its files, with * for several");
  std::optional<ForeignFile> foreign;
  if (fs::is_regular_file(status)) {
    std::string begin(kTellingBytes, '\0');
    std::ifstream file(path, std::ios::binary);
    file.read(begin.data(), static_cast<std::streamsize>(begin.size()));
    begin.resize(static_cast<std::size_t>(std::max<std::streamsize>(file.gcount(), 0)));
    const bool is_parquet = begin.starts_with("PAR1") && ending_of(path) == ".parquet";
    if (!is_parquet) foreign = foreign_by_content(begin, path);
  }
  if (!foreign && by_name) foreign = foreign_by_name(path);
  if (!foreign) return;
  error.wanted("rows of text: .jsonl, .json, .csv, .tsv (also .gz) or .parquet").found(foreign->what);
  if (!foreign->advice.empty()) error.hint(foreign->advice);
  throw error;
}

}  // namespace lethe
