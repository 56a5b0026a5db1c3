// The list of models, and the form for a server that opens from there.
export { AddServer } from "../views/add-server";
export { AlsoModels } from "../views/also-models";
export { ModelPicker } from "../views/model-picker";
