# The Terraform module of k8s-l3-lb, for minilb l3: the same variables, and the manifest that deploy/l3/base holds.
terraform {
  required_version = ">= 1.3"
  required_providers {
    kubernetes = {
      source  = "hashicorp/kubernetes"
      version = ">= 2.20"
    }
  }
}

variable "prefix" {
  type        = string
  description = "Networks that Services get addresses from, separated by commas: 10.0.100.0/24,fd00:100::/64"
  validation {
    condition     = alltrue([for one in split(",", var.prefix) : can(cidrhost(one, 0))])
    error_message = "prefix must be one or more networks such as 10.0.100.0/24, separated by commas without blanks."
  }
}

variable "interface" {
  type        = string
  default     = "lo"
  description = "The interface of each node that holds the addresses."
}

variable "debug" {
  type        = bool
  default     = false
  description = "Log what is done in detail."
}

variable "image" {
  type        = string
  default     = "localhost/minilb-l3:0.1.0"
  description = "Where the nodes find the image (deploy/l3/Dockerfile)."
}

locals {
  settings = {
    L3LB_PREFIX    = var.prefix
    L3LB_INTERFACE = var.interface
    L3LB_DEBUG     = tostring(var.debug)
  }
  base  = "${path.module}/../base"
  files = ["namespace", "settings", "access", "admission", "network", "agent", "allocator"]
  text  = join("\n---\n", [for name in local.files : file("${local.base}/${name}.yaml")])
  # A comment before the first document would be one of its own.
  documents = [
    for part in split("\n---\n", local.text) : yamldecode(part)
    if length(regexall("(?m)^kind:", part)) > 0
  ]
  filled = {
    for object in local.documents : "${object.kind}/${object.metadata.name}" => jsondecode(
      replace(
        jsonencode(merge(object, { for key in ["data"] : key => local.settings if object.kind == "ConfigMap" })),
        "\"image\":\"minilb-l3\"", "\"image\":${jsonencode(var.image)}"
      )
    )
  }
}

resource "kubernetes_manifest" "namespace" {
  manifest = local.filled["Namespace/minilb-l3"]
}

resource "kubernetes_manifest" "minilb_l3" {
  for_each   = { for key, object in local.filled : key => object if object.kind != "Namespace" }
  manifest   = each.value
  depends_on = [kubernetes_manifest.namespace]
}
