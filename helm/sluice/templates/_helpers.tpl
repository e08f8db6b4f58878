{{- define "sluice.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "sluice.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" }}
{{- else if contains (include "sluice.name" .) .Release.Name }}
{{- .Release.Name | trunc 63 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name (include "sluice.name" .) | trunc 63 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "sluice.selectorLabels" -}}
app.kubernetes.io/name: {{ include "sluice.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "sluice.labels" -}}
{{ include "sluice.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "sluice.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "sluice.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{- define "sluice.image" -}}
{{- if .Values.image.digest }}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest }}
{{- else }}
{{- printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) }}
{{- end }}
{{- end }}

{{/* The text of a setting. Helm reads numbers as floats, and would write 33554432 as 3.3554432e+07. */}}
{{- define "sluice.settingText" -}}
{{- if kindIs "float64" . }}{{ printf "%.0f" . }}{{ else }}{{ toString . }}{{ end }}
{{- end }}

{{/* Seconds from SIGTERM to SIGKILL: the grace of running calls, 10 s for storing what was aborted then, and 15 s for closing. */}}
{{- define "sluice.terminationGracePeriodSeconds" -}}
{{- $graceMs := include "sluice.settingText" (default 135000 .Values.settings.SHUTDOWN_GRACE_MS) | float64 }}
{{- $least := add (divf $graceMs 1000 | ceil | int) 25 }}
{{- $wanted := .Values.terminationGracePeriodSeconds }}
{{- if kindIs "invalid" $wanted }}
{{- $least }}
{{- else if lt (int64 $wanted) (int64 $least) }}
{{- fail (printf "terminationGracePeriodSeconds must be at least %d: SHUTDOWN_GRACE_MS (%.0f) and 25 s for storing and closing (got %d)" $least $graceMs (int64 $wanted)) }}
{{- else }}
{{- int64 $wanted }}
{{- end }}
{{- end }}

{{/* Tells everything that is missing at once. */}}
{{- define "sluice.checkValues" -}}
{{- $problems := list }}
{{- $secrets := dict }}
{{- range .Values.secrets }}
{{- range $setting, $key := .keys }}
{{- if hasKey $secrets $setting }}
{{- $problems = append $problems (printf "secrets: %s is there twice" $setting) }}
{{- end }}
{{- if or (hasKey $.Values.settings $setting) (hasKey $.Values.settings (printf "%s_FILE" $setting)) }}
{{- $problems = append $problems (printf "secrets: %s stands in settings as well" $setting) }}
{{- end }}
{{- $_ := set $secrets $setting $key }}
{{- end }}
{{- end }}
{{- range list "KAFKA_BROKERS" "S3_ENDPOINT" }}
{{- if not (get $.Values.settings .) }}
{{- $problems = append $problems (printf "settings.%s must be set" .) }}
{{- end }}
{{- end }}
{{- range list "DATABASE_URL" "S3_ACCESS_KEY" "S3_SECRET_KEY" }}
{{- if not (hasKey $secrets .) }}
{{- $problems = append $problems (printf "secrets: %s is missing: name the Secret that holds it, and its key" .) }}
{{- end }}
{{- end }}
{{- $gigachat := or (hasKey $secrets "GIGACHAT_CREDENTIALS") (hasKey $secrets "GIGACHAT_ACCESS_TOKEN") (hasKey $secrets "GIGACHAT_PASSWORD") (hasKey $secrets "GIGACHAT_KEY") }}
{{- if not (or $gigachat .Values.settings.OPENAI_BASE_URL) }}
{{- $problems = append $problems "no provider: give GIGACHAT_CREDENTIALS (or another way to sign in) among the secrets, or settings.OPENAI_BASE_URL" }}
{{- end }}
{{- if $problems }}
{{- fail (printf "\n\n  - %s\n" (join "\n  - " $problems)) }}
{{- end }}
{{- end }}

{{/* Environment of every container: plain settings, and the paths of the secret ones. */}}
{{- define "sluice.environment" -}}
envFrom:
  - configMapRef:
      name: {{ include "sluice.fullname" . }}
env:
  {{- range .Values.secrets }}
  {{- range $setting, $key := .keys }}
  - name: {{ $setting }}_FILE
    value: /run/secrets/sluice/{{ $setting }}
  {{- end }}
  {{- end }}
{{- end }}
