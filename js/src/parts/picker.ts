// The list of models, and the forms for a key and for a server.
import "../views/part-icons";

export { AddServer } from "../views/add-server";
export { AlsoModels } from "../views/also-models";
export { KeyForm } from "../views/key-form";
export { ModelPicker } from "../views/model-picker";
export { PresetList, PresetWords } from "../views/presets";
