// A chat template that drops a message is refused, before a row is read or at the row.
#include "prompts/template_check.h"

#include <gtest/gtest.h>

#include "core/files.h"
#include "folder_test.h"
#include "prompts/template.h"

namespace lethe {
namespace {

const std::vector<ChatMessage> kNone;

// Messages of a template as "role: …", where "…" is what it prints of a content.
std::string each(const std::string& content) {
  return "{% for m in messages %}{{ m.role }}: " + content +
         "\n{% endfor %}{% if add_generation_prompt %}assistant:{% endif %}";
}
Template with(const std::string& source, const std::string& system = "") {
  return Template::chat(ChatTemplate(source, OrderedJson::object(), "some.jinja"), system);
}
std::string refused(const std::string& source, const std::string& system = "") {
  return refusal_of([&] { with(source, system); });
}

TEST(TemplateCheck, ATemplateThatShowsNoTextIsRefused) {
  for (const char* content :
       {"", "hidden", "{{ m.content | length }}", "{{ m.text }}", "{{ m.content[0].text }}",
        "{% for part in m.content %}{% if part.type == 'text' %}{{ part.text }}{% endif %}{% endfor %}",
        "{% if m.content is not string %}{{ m.content[0].text }}{% endif %}"}) {
    const std::string message = refused(each(content));
    EXPECT_NE(message.find("template"), std::string::npos) << content << "\n" << message;
    EXPECT_NE(message.find("some.jinja"), std::string::npos) << message;
    EXPECT_NE(message.find("nothing of it"), std::string::npos) << message;
  }
  const std::string parts = refused(each("{% for part in m.content %}{{ part.text }}{% endfor %}"));
  EXPECT_NE(parts.find("content parts"), std::string::npos) << parts;
}

TEST(TemplateCheck, ATemplateThatShowsPartOfATextIsRefused) {
  for (const char* content :
       {"{{ m.content[:20] }}", "{{ m.content[5:] }}", "{{ m.content.split('\n')[0] }}", "{{ m.content | first }}",
        "{{ m.content.split() | last }}", "{{ m.content.replace('e', '') }}", "{{ m.content.split('.')[0] }}"}) {
    const std::string message = refused(each(content));
    EXPECT_NE(message.find("template"), std::string::npos) << content << "\n" << message;
    EXPECT_NE(message.find("only"), std::string::npos) << content << "\n" << message;
  }
}

TEST(TemplateCheck, EveryRoleMustBeShown) {
  const auto only = [](const char* role) {
    return each(std::string("{% if m.role == '") + role + "' %}{{ m.content }}{% endif %}");
  };
  EXPECT_NE(refused(only("user")).find("of the assistant"), std::string::npos);
  EXPECT_NE(refused(only("assistant")).find("of the user"), std::string::npos);
  const std::string without_system = each("{% if m.role != 'system' %}{{ m.content }}{% endif %}");
  EXPECT_NO_THROW(with(without_system));
  EXPECT_NE(refused(without_system, "Be brief.").find("of the system"), std::string::npos);
}

TEST(TemplateCheck, ATextThatDisappearsInOneRowIsRefusedThere) {
  const std::vector<ChatMessage> system = {{"system", "Be brief."}};
  const std::vector<ChatMessage> turns = {{"user", "And Tom?"}, {"assistant", "In Saltby."}};
  const Template last = with("{% for m in messages[-2:] %}{{ m.role }}: {{ m.content }}\n{% endfor %}");
  EXPECT_NO_THROW(last.lay_out("Where?", "There.", kNone));
  EXPECT_NE(refusal_of([&] { last.lay_out("Where?", "There.", system); }).find("Be brief."), std::string::npos);
  EXPECT_NE(refusal_of([&] { last.lay_out("Where?", "There.", turns); }).find("And Tom?"), std::string::npos);
  const Template bounded = with(each("{{ m.content[:1000] }}"));
  EXPECT_NO_THROW(bounded.lay_out("Where?", "There.", kNone));
  EXPECT_NE(refusal_of([&] { bounded.lay_out(std::string(999, 'a') + "bc", "There.", kNone); }).find("only"),
            std::string::npos);
  EXPECT_NE(refusal_of([&] { bounded.lay_out("Where?", std::string(1001, 'a'), kNone); }).find("only"),
            std::string::npos);
  const Template no_marks = with(each("{{ m.content.replace('<image>', '') }}"));
  EXPECT_NO_THROW(no_marks.lay_out("Where?", "There.", kNone));
  EXPECT_NE(refusal_of([&] { no_marks.lay_out("<image> Where?", "There.", kNone); }).find("<image>"),
            std::string::npos);
}

TEST(TemplateCheck, WhatTemplatesDoToATextOnPurposePasses) {
  for (const char* content :
       {"{{ m.content }}", "{{ m.content | trim }}", "{{ m.content | tojson }}", "{{ m.content | upper }}",
        "{{ m.content.replace('\n', ' ') }}", "{{ m['content'].strip() + '</s>' }}", "{{ m | tojson }}", "{{ m }}",
        "{{ m.content.split() | join(' ') }}", "{% if m.content is string %}{{ m.content }}{% endif %}",
        "{% for c in m.content %}{{ c }}{% endfor %}", "{% set x = m.content %}{{ x }}",
        "{{ m.content.split('</think>')[-1] }}"}) {
    EXPECT_EQ(refused(each(content), "Be brief."), "no error") << content;
  }
  const Template cuts =
      with(each("{% if m.role == 'assistant' %}{{ m.content.split('</think>')[-1] }}"
                "{% else %}{{ m.content }}{% endif %}"));
  const std::vector<ChatMessage> thought = {{"user", "Tom?"}, {"assistant", "<think>Tom, Tom</think>\n"}};
  EXPECT_EQ(cuts.lay_out("Where?", "<think>hm</think>There.", thought).text,
            "user: Tom?assistant: \nuser: Where?assistant: There.");  // trim_blocks takes the line ends
  EXPECT_NE(refusal_of([&] { cuts.lay_out("Where?", "<think>hm</think>", kNone); }).find("of the assistant"),
            std::string::npos);
  // A word that switches the template is shown nowhere, but the template prints something else for it.
  const Template switches =
      with(each("{% if '/no_think' in m.content %}[no thought]{% endif %}"
                "{{ m.content.replace('/no_think', '') }}"));
  EXPECT_NO_THROW(switches.lay_out("Where? /no_think", "There.", kNone));
  EXPECT_NO_THROW(with(each("{{ m.content }}")).lay_out(" ", "", kNone));  // nothing to show
}

TEST(TemplateChoice, AnUnknownNameIsRefusedWithTheChoices) {
  for (const char* named : {"data.template", "--template"}) {
    try {
      Template::check("chatml", "", named);
      ADD_FAILURE() << "no error";
    } catch (const Error& error) {
      const std::string message = error.what();
      EXPECT_EQ(error.code(), ExitCode::usage);
      for (const char* word : {named, "chatml", "sku", "chat,", "auto", "{prompt}", "{response}"})
        EXPECT_NE(message.find(word), std::string::npos) << word << "\n" << message;
    }
  }
  for (const char* good : {"sku", "chat", "auto", "{prompt}{response}"}) EXPECT_NO_THROW(Template::check(good, ""));
  EXPECT_THROW(Template::check("sku", "Be brief."), Error);
}

TEST(TemplateChoice, AutoIsTheModelsChatTemplateOrElseTheMethodsOwn) {
  const fs::path chats = fs::path(LETHE_FIXTURES) / "chat";
  EXPECT_TRUE(Template::open("auto", "Be brief.", chats / "byte_level").is_chat());
  EXPECT_EQ(Template::open("auto", "", chats).text(), Template::sku_default);
  EXPECT_EQ(Template::open("sku", "", "").text(), Template::sku_default);
  EXPECT_THROW(Template::open("auto", "Be brief.", chats), Error);
}

TEST(TemplateCheck, TemplatesOfPublishedModelsAreTaken) {
  std::size_t count = 0;
  for (const auto& entry : fs::directory_iterator(fs::path(LETHE_FIXTURES) / "chat")) {
    if (entry.path().extension() != ".jinja") continue;
    ++count;
    const OrderedJson tokens = {{"bos_token", "<s>"}, {"eos_token", "</s>"}};
    const Template layout = Template::chat(ChatTemplate(read_file(entry.path()), tokens, entry.path().string()), "");
    const std::vector<ChatMessage> empty = {{"system", ""}};
    const std::vector<ChatMessage> turns = {{"user", "And Tom?"}, {"assistant", "In Saltby."}};
    // Gemma and the first Mistral refuse every message of the system, also an empty one, which says nothing.
    for (const auto& before : {kNone, empty, turns}) {
      const std::string text = layout.lay_out("Where is \n <b>Anna</b>?", "[There], é.", before).text;
      EXPECT_NE(text.find("[There], é."), std::string::npos) << entry.path() << "\n" << text;
    }
  }
  EXPECT_GE(count, 10U);
}

TEST(TemplateCheck, OnlyAnEmptyMessageOfTheSystemIsLeftOut) {
  const Template no_system = with("{% if messages[0].role == 'system' %}{{ raise_exception('no system') }}{% endif %}" +
                                  each("{{ m.content }}"));
  const std::vector<ChatMessage> empty = {{"system", ""}}, system = {{"system", "Be brief."}};
  EXPECT_EQ(no_system.lay_out("Where?", "There.", empty).text, no_system.lay_out("Where?", "There.", kNone).text);
  EXPECT_NE(refusal_of([&] { no_system.lay_out("Where?", "There.", system); }).find("no system"), std::string::npos);
  const Template other = with("{% if messages[0].role != 'system' %}default {% endif %}" + each("{{ m.content }}"));
  EXPECT_NE(other.lay_out("Where?", "There.", empty).text, other.lay_out("Where?", "There.", kNone).text);
}

TEST(TemplateCheck, ATemplateThatRefusesTheProbeMayTakeTheRows) {
  const Template wants_system = with(
      "{% if messages[0].role != 'system' %}{{ raise_exception('no system') }}{% endif %}" + each("{{ m.content }}"));
  const std::vector<ChatMessage> system = {{"system", "Be brief."}};
  EXPECT_NO_THROW(wants_system.lay_out("Where?", "There.", system));
  EXPECT_NE(refusal_of([&] { wants_system.lay_out("Where?", "There.", kNone); }).find("no system"), std::string::npos);
}

}  // namespace
}  // namespace lethe
